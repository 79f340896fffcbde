"""Databento's files as a whole: empty, large, left early, cut short, damaged, or of something else."""

import gc
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from databento import DBNStore

from market_data.domain.errors import BadFile
from market_data.domain.partition import Partition
from market_data.domain.ports.source import Request
from market_data.sources.databento import decode
from market_data_tests.sources.dbn_case import DAY, batches, landed, tick
from market_data_tests.vendors import dbn_files as files


@pytest.mark.parametrize("name", ["trades.dbn.zst", "trades.dbn"])
def test_a_day_without_records_has_no_rows(tmp_path: Path, name: str) -> None:
    path = files.write(tmp_path / name, files.head("trades", DAY))
    assert batches(path, "trades") == []


@pytest.mark.parametrize("name", ["trades.dbn.zst", "trades.dbn"])
def test_a_large_file_comes_in_batches_and_is_the_clients_to_the_last_digit(tmp_path: Path, name: str) -> None:
    path = files.write_trades(tmp_path / name, DAY, 800_000)
    read = batches(path, "trades")
    assert [batch.first_record for batch in read] == [0, 262_144, 524_288, 786_432]
    assert not any(batch.faults for batch in read)
    theirs = DBNStore.from_bytes(path.read_bytes()).to_ndarray()
    rows = pl.concat([batch.frame for batch in read])
    assert len(rows) == len(theirs) == 800_000
    for field in ("ts_event", "ts_recv", "sequence", "ts_in_delta"):
        assert np.array_equal(rows[field].to_numpy(), theirs[field].astype(np.int64))
    assert np.array_equal(rows["price"].to_physical().cast(pl.Int64).to_numpy(), theirs["price"])
    assert np.array_equal(rows["size"].cast(pl.Int64).to_numpy(), theirs["size"])
    assert read[2].original(5)["sequence"] == 524_293


def test_a_file_that_is_left_early_is_closed(tmp_path: Path) -> None:
    path = files.write_trades(tmp_path / "trades.dbn.zst", DAY, 400_000)
    reading = decode.batches(Request("trades", Partition("feed", DAY, "S"), "S"), landed(path), {})
    next(reading)
    reading.close()  # pyright: ignore[reportAttributeAccessIssue]
    gc.collect()
    held = [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert path not in held


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 0.9999])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, share: float) -> None:
    path = files.write_trades(tmp_path / "trades.dbn.zst", DAY, 5_000)
    whole = path.read_bytes()
    path.write_bytes(whole[: max(1, int(len(whole) * share))])
    with pytest.raises(BadFile, match=r"trades\.dbn\.zst is (cut short|no DBN file)"):
        batches(path, "trades")


@pytest.mark.parametrize("lost", [1, 47, 49])
@pytest.mark.parametrize("name", ["trades.dbn.zst", "trades.dbn"])
def test_a_file_that_ends_within_a_record_is_refused(tmp_path: Path, name: str, lost: int) -> None:
    content = files.records("trades", 3, **tick()).tobytes()[:-lost]
    path = files.write(tmp_path / name, files.head("trades", DAY), content)
    with pytest.raises(BadFile, match=f"is cut short: it ends within record {2 if lost < 48 else 1}"):
        batches(path, "trades")


def test_a_flipped_bit_is_found(tmp_path: Path) -> None:
    path = files.write_trades(tmp_path / "trades.dbn.zst", DAY, 5_000)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(BadFile, match=r"trades\.dbn\.zst"):
        batches(path, "trades")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"<html>Service Unavailable</html>", "is no DBN file: it begins with b'<ht'"),
        (b"DB", "is no DBN file"),
        (b"DBN", "is cut short: it ends within its metadata"),
        (b"DBN\x03\xff\xff\xff\xff", "is cut short: it ends within its metadata"),
        (b"DBN\x04\x00\x00\x00\x00", "is of DBN version 4"),
        (b"DBN\x03\x08\x00\x00\x00abcdefgh", "has metadata that cannot be read"),
        (files.head(None, DAY), "has records of several schemas"),
        (files.head("trades", DAY, ts_out=True), "has ts_out after each record"),
        (files.head("mbp-10", DAY), "has records of mbp-10, for which there is no table"),
        (files.head("tbbo", DAY), "has records of tbbo, which are quotes and not trades"),
        (files.head("trades", DAY) + files.records("tbbo", 3).tobytes(), "has a record of 80 bytes"),
    ],
)
def test_what_is_no_days_file_of_the_table_is_refused_in_words(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "day.dbn"
    path.write_bytes(content)
    with pytest.raises(BadFile, match=words) as refusal:
        batches(path, "trades")
    assert str(refusal.value).startswith("day.dbn ")
