"""What is remembered of a check, and what makes a file be read again."""

import os
import time
from pathlib import Path

import pytest

from market_data.ledger.file import File
from market_data.warehouse import verification
from market_data.warehouse.verification import Verifier, hashes


@pytest.fixture
def old(tmp_path: Path) -> File:
    """A file that did not change for an hour."""
    path = tmp_path / "a.parquet"
    path.write_bytes(b"0123456789" * 100)
    back = time.time() - 3_600
    os.utime(path, (back, back))
    return File("a.parquet", *hashes(path), 1_000)


def verifier(folder: Path) -> Verifier:
    """One of a new process."""
    return Verifier(folder, folder / "_staging" / "checked.db")


def settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a change be long ago: a test cannot set a file's ctime."""
    monkeypatch.setattr(verification, "_YOUNG_NS", -1)


def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    seen: list[Path] = []
    whole = verification.is_whole

    def is_whole(path: Path, file: File) -> bool:
        seen.append(path)
        return whole(path, file)

    monkeypatch.setattr(verification, "is_whole", is_whole)
    return seen


def test_a_file_is_read_once_for_all_processes(tmp_path: Path, old: File, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch)
    seen = reads(monkeypatch)
    here = verifier(tmp_path)
    assert here.faults([old]) == here.faults([old]) == verifier(tmp_path).faults([old]) == {}
    assert len(seen) == 1
    assert verifier(tmp_path).faults([old], anew=True) == {}
    assert len(seen) == 2


def test_a_file_that_changed_just_now_is_read_again(tmp_path: Path, old: File, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / old.path).touch()
    seen = reads(monkeypatch)
    here = verifier(tmp_path)
    assert here.faults([old]) == here.faults([old]) == {}
    assert len(seen) == 2


@pytest.mark.parametrize("same_times", [False, True])
def test_a_changed_file_is_found_by_another_process(
    tmp_path: Path, old: File, monkeypatch: pytest.MonkeyPatch, *, same_times: bool
) -> None:
    settle(monkeypatch)
    assert verifier(tmp_path).faults([old]) == {}
    path = tmp_path / old.path
    before = path.stat()
    time.sleep(0.02)  # the clock of a file system may be coarse; a change within a second is not remembered at all
    path.write_bytes(b"9" * 1_000)
    if same_times:  # the time of the change of the inode cannot be set back
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert verifier(tmp_path).faults([old]) == {old.path: "has other bytes than were written"}


def test_a_file_that_is_cut_or_gone_is_told_as_such(tmp_path: Path, old: File) -> None:
    (tmp_path / old.path).write_bytes(b"0")
    assert verifier(tmp_path).faults([old]) == {old.path: "has 1 bytes instead of 1,000"}
    (tmp_path / old.path).unlink()
    assert verifier(tmp_path).faults([old]) == {old.path: "is not there"}


def test_a_file_of_an_earlier_version_is_held_against_its_sha256(tmp_path: Path, old: File) -> None:
    plain = File(old.path, old.sha256, None, 1_000)
    assert verifier(tmp_path).faults([plain]) == {}
    assert verifier(tmp_path).faults([File(old.path, "0" * 64, None, 1_000)]) != {}


@pytest.mark.parametrize("content", [b"no database", b""])
def test_a_memory_that_is_damaged_costs_time_only(
    tmp_path: Path, old: File, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    settle(monkeypatch)
    memory = tmp_path / "_staging" / "checked.db"
    memory.parent.mkdir()
    memory.write_bytes(content)
    assert verifier(tmp_path).faults([old]) == {}
    verifier(tmp_path).faults([old])
    seen = reads(monkeypatch)
    assert verifier(tmp_path).faults([old]) == {}
    assert not seen


def test_a_folder_that_cannot_be_written_is_read_all_the_same(
    tmp_path: Path, old: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    (tmp_path / "_staging").write_bytes(b"no folder")
    here = verifier(tmp_path)
    assert here.faults([old]) == {}
    seen = reads(monkeypatch)
    assert here.faults([old]) == {}
    assert not seen, "this process remembers"
