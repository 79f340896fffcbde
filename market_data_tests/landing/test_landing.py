"""Landed bytes: whole or not there, kept when they are replaced, fetched by one process at a time."""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from market_data.domain.partition import Partition
from market_data.domain.ports.source import Fetched, LandedFile, Request
from market_data.landing import Landing
from market_data.storage.bucket import BucketFolder
from market_data_tests.places import KINDS, place

REQUEST = Request("trades", Partition("feed", dt.date(2024, 1, 15), "AAA-USD"), "AAAUSD")


@pytest.fixture(params=KINDS)
def landing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Landing]:
    with place(request.param, tmp_path, "landing") as found:
        yield Landing(found)
        if isinstance(found, BucketFolder):
            found.bucket.close()


def bring(landing: Landing, content: bytes, name: str = "trades.csv") -> None:
    with landing.workdir(REQUEST) as folder:
        path = folder / name
        path.write_bytes(content)
        landing.land(REQUEST, [Fetched(path, name, "https://vendor.example/trades.csv")])


def only(landing: Landing) -> LandedFile:
    found = landing.find(REQUEST)
    assert found is not None
    (file,) = found
    return file


def test_what_was_landed_is_found_with_its_hash(landing: Landing) -> None:
    assert landing.find(REQUEST) is None
    bring(landing, b"abc")
    file = only(landing)
    assert file.path.read_bytes() == b"abc"
    assert file.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # pragma: allowlist secret
    assert (file.name, file.size_bytes) == ("trades.csv", 3)


def test_bytes_that_the_vendor_replaced_stay_beside_the_new_ones(landing: Landing) -> None:
    bring(landing, b"first")
    first = only(landing)
    bring(landing, b"second")
    second = only(landing)
    assert (first.path.read_bytes(), second.path.read_bytes()) == (b"first", b"second")


def test_landing_the_same_bytes_again_changes_nothing(landing: Landing) -> None:
    bring(landing, b"same")
    manifest = landing._manifest(REQUEST)
    assert manifest is not None
    bring(landing, b"same")
    assert landing._manifest(REQUEST) == manifest


@pytest.mark.parametrize("count", [10, 100_000])
def test_what_is_listed_has_its_facts_and_small_files_can_be_read(landing: Landing, count: int) -> None:
    assert landing.listed(REQUEST) == ()
    bring(landing, b"x" * count)
    if isinstance(landing._place, BucketFolder):
        landing._place.bucket.release()
    (listed,) = landing.listed(REQUEST)
    assert listed.size_bytes == count
    assert listed.path.exists() or count > 65_536
    assert listed == only(landing)


def test_a_file_is_had_by_name_and_size(landing: Landing) -> None:
    assert not landing.has(REQUEST)
    bring(landing, b"abc")
    assert landing.has(REQUEST)


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"bad")])
def test_a_damaged_or_missing_file_does_not_count(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    landing = Landing(tmp_path)
    bring(landing, b"good")
    file = only(landing)
    damage(file.path)
    assert landing.find(REQUEST) is None
    bring(landing, b"good")
    assert landing.find(REQUEST) is not None


def test_a_workdir_survives_the_process_that_used_it(landing: Landing) -> None:
    with pytest.raises(RuntimeError), landing.workdir(REQUEST) as folder:
        (folder / "part").write_bytes(b"half")
        raise RuntimeError
    with Landing(landing._place).workdir(REQUEST) as folder:
        assert (folder / "part").read_bytes() == b"half"
