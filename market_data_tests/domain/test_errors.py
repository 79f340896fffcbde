"""What the file system says, in words that say what to do."""

import errno

import pytest

from market_data.domain.errors import PartitionBusy, StorageTrouble, ours


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/data/a"),
            "/data/a: No space left on device; make room there and run the same again: what is done is not made again",
        ),
        (
            OSError(errno.ENOSPC, "Error writing bytes to file. Detail: [errno 28] No space left on device"),  # pyarrow
            "the disk of the home (MARKET_DATA_HOME): No space left on device; make room there and run the same again: "
            "what is done is not made again",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "/data/a"),
            "/data/a: Permission denied; let this user write there",
        ),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "/data/a"), "/data/a: Is a directory"),
        (OSError("no number"), "the disk of the home (MARKET_DATA_HOME): no number"),
    ],
)
def test_the_file_systems_words_come_with_what_to_do(error: OSError, words: str) -> None:
    told = ours(error)
    assert isinstance(told, StorageTrouble)
    assert str(told) == words


def test_an_error_of_the_tree_stays_itself() -> None:
    busy = PartitionBusy("another process is at it")
    assert ours(busy) is busy
