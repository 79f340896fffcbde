"""Packed files as blocks of rows: the same rows however they are packed and cut, and nothing of a file not whole."""

import gzip
import io
import json
import logging
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from market_data.domain.errors import BadFile
from market_data.vendor_files.bulk import Parse, read_blocks
from market_data.vendor_files.bulk.json_records import read_json_array, read_json_lines
from market_data.vendor_files.bulk.progress import Progress
from market_data.vendor_files.bulk.unpack import Packed
from market_data.vendor_files.columns import Block, Column
from market_data.vendor_files.csv_blocks import read_named_csv
from market_data_tests.vendors.binance_files import zip_of

COLUMNS = (Column("id", pl.Int64()), Column("price", pl.Decimal(18, 9)), Column("side", pl.String(), required=False))
Row = tuple[int, Decimal, str | None]
ROWS = st.lists(
    st.tuples(
        st.integers(-(2**62), 2**62),
        st.decimals(-(10**8), 10**8, places=9, allow_nan=False),
        st.sampled_from([None, "buy", "sell"]),
    ),
    max_size=40,
)
LIMIT = 64 << 20


def as_csv(rows: Sequence[Row]) -> bytes:
    lines = ["note,price,id,side", *(f"x,{price},{number},{side or ''}" for number, price, side in rows)]
    return "".join(f"{line}\n" for line in lines).encode()


def as_lines(rows: Sequence[Row]) -> bytes:
    return b"".join(_object(row) + b"\n" for row in rows)


def as_array(rows: Sequence[Row]) -> bytes:
    return b" [" + b",\n".join(map(_object, rows)) + b"]\n"


def _object(row: Row) -> bytes:
    number, price, side = row
    return f'{{"price": {price}, "note": {{"x": [1]}}, "id": "{number}", "side": {json.dumps(side)}}}'.encode()


FORMATS: dict[str, tuple[Callable[[Sequence[Row]], bytes], Parse]] = {
    "csv": (as_csv, partial(read_named_csv, columns=COLUMNS)),
    "lines": (as_lines, partial(read_json_lines, columns=COLUMNS)),
    "array": (as_array, partial(read_json_array, columns=COLUMNS)),
}


def zstd(content: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(content)


def zipped(content: bytes) -> bytes:
    return zip_of({"folder/any name.csv": content})


PACKINGS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstd, "zip": zipped}


def blocks(path: Path, kind: str, max_bytes: int = LIMIT) -> list[Block]:
    return list(read_blocks(path, FORMATS[kind][1], max_bytes))


def rows_of(read: Sequence[Block]) -> list[tuple[Any, ...]]:
    assert not any(block.faults for block in read)
    counts = [block.frame.height for block in read]
    assert [block.first_record for block in read] == [sum(counts[:n]) for n in range(len(counts))]
    return [row for block in read for row in block.frame.rows()]


def cut(content: bytes, at: Sequence[int]) -> list[bytes]:
    places = sorted({min(place, len(content)) for place in at} | {0, len(content)})
    return [content[a:b] for a, b in pairwise(places)] or [b""]


@settings(deadline=None, max_examples=60)
@given(
    rows=ROWS,
    kind=st.sampled_from(list(FORMATS)),
    packing=st.sampled_from(["gzip", "zstd"]),
    at=st.lists(st.integers(0, 2_000), max_size=4),
    size=st.integers(1, 300),
)
def test_any_split_into_members_and_any_size_of_pieces_gives_the_same_rows(
    rows: list[Row], kind: str, packing: str, at: list[int], size: int
) -> None:
    write, parse = FORMATS[kind]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(b"".join(PACKINGS[packing](piece) for piece in cut(write(rows), at)))
        assert rows_of(list(parse(Packed(path, LIMIT).chunks(size)))) == rows


@settings(deadline=None, max_examples=60)
@given(rows=ROWS, kind=st.sampled_from(list(FORMATS)), packing=st.sampled_from(list(PACKINGS)), share=st.floats(0, 1))
def test_any_truncation_is_refused(rows: list[Row], kind: str, packing: str, share: float) -> None:
    content = PACKINGS[packing](FORMATS[kind][0](rows))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(content[: min(int(share * len(content)), len(content) - 1)])
        with pytest.raises(BadFile):
            blocks(path, kind)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("packing", [*PACKINGS, "plain"])
def test_how_a_file_is_packed_makes_no_difference(tmp_path: Path, kind: str, packing: str) -> None:
    rows: list[Row] = [(n, Decimal(n) / 8, ("buy", None)[n % 2]) for n in range(500)]
    content = FORMATS[kind][0](rows)
    (tmp_path / "x").write_bytes(PACKINGS[packing](content) if packing in PACKINGS else content)
    read = blocks(tmp_path / "x", kind)
    assert rows_of(read) == rows
    original = read[0].original(1)
    assert (str(original["price"]), original["note"] in ("x", {"x": ["1"]}, {"x": [1]})) in (
        ("0.125", True),
        ("0.125000000", True),
    )


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("more", [b"\0", b"x", b"more of it", b"\x1f\x8b", b"PK"])
def test_what_stands_after_the_end_is_refused(tmp_path: Path, packing: str, more: bytes) -> None:
    (tmp_path / "x").write_bytes(PACKINGS[packing](b"id,price,side\n1,2,\n") + more)
    with pytest.raises(BadFile, match="not ended at its end"):
        blocks(tmp_path / "x", "csv")


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_bit_that_fell_over_is_found(tmp_path: Path, packing: str) -> None:
    content = bytearray(PACKINGS[packing](as_csv([(n * 7919 % 1000, Decimal(n), None) for n in range(2_000)])))
    content[len(content) // 2] ^= 4
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(BadFile):
        blocks(tmp_path / "x", "csv")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"BZh91AY", "is packed as bzip2: unpack it"),
        (b"\xfd7zXZ\0\0", "is packed as xz"),
        (gzip.compress(b"0" * (64 << 20), mtime=0), "a gzip bomb"),
        (zstd(b"0" * (64 << 20)), "a zstd bomb"),
        (zip_of({"x": b"0" * (64 << 20)}), "a zip bomb"),
        (gzip.compress(b"id,price,side\n" + b"1,2,\n" * 4_000, mtime=0), "unpacks to more than the 10000 bytes"),
        (b"id,price,side\n" + b"1,2,\n" * 4_000, "more than the 10000 bytes"),
        (zip_of({"x": b"id,price,side\n" + b"1,2,\n" * 4_000}), "more than the 10000 that are allowed"),
        (zip_of({"../../x.csv": b"1\n"}), r"holds '\.\./\.\./x\.csv', which is no name of a file within"),
        (zip_of({"/etc/x.csv": b"1\n"}), "which is no name of a file within"),
        (zip_of({"C:\\x.csv": b"1\n"}), "which is no name of a file within"),
        (zip_of({"a\\..\\..\\x.csv": b"1\n"}), "which is no name of a file within"),
        (zip_of({"a.csv": b"1\n", "b.csv": b"1\n"}), "holds 2 files"),
    ],
)
def test_an_evil_file_is_refused_before_it_does_harm(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(BadFile, match=words):
        blocks(tmp_path / "x", "csv", max_bytes=10_000 if b"10000" in words.encode() else LIMIT)


def test_a_zip_with_a_comment_is_whole(tmp_path: Path) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("x.csv", as_csv([(1, Decimal(2), None)]))
        archive.comment = b"made by hand"
    (tmp_path / "x").write_bytes(target.getvalue())
    assert rows_of(blocks(tmp_path / "x", "csv")) == [(1, Decimal(2), None)]


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ('{"id": 1}', ["price is empty"]),
        ('{"id": 1.5, "price": 1}', ["id is not a whole number: '1.5'"]),
        ('{"id": 1, "price": 0.1234567891}', ["price does not fit: '0.1234567891'"]),
        ('{"id": 1, "price": {"x": 1}}', ["price is not a number: "]),
        ('{"id": true, "price": 1}', ["id is not a whole number: 'true'"]),
        ("[1, 2]", ["no JSON object"]),
        ("7", ["no JSON object"]),
    ],
)
def test_a_record_of_json_that_is_no_row_is_a_fault_and_its_neighbours_stay(text: str, reasons: list[str]) -> None:
    good = '{"id": 1, "price": 1e-9, "side": ""}'
    for parse, content in (
        (read_json_lines, f"{good}\n{text}\n{good}\n"),
        (read_json_array, f"[{good},{text},{good}]"),
    ):
        (block,) = parse([content.encode()], COLUMNS)
        assert [(fault.row, fault.reason.startswith(reasons[0])) for fault in block.faults] == [(1, True)]
        assert block.frame.rows()[::2] == [(1, Decimal("1e-9"), None)] * 2
        assert dict(block.original(1))


def test_lines_that_are_no_json_are_faults_with_their_text() -> None:
    (block,) = read_json_lines([b'{"id": 1, "price": 2}\n\n{"id": \n\xff\n' + b"[" * 100_000 + b"\n"], COLUMNS)
    assert [(fault.row, fault.reason) for fault in block.faults] == [
        (1, "an empty line"),
        *((row, "no JSON object") for row in (2, 3, 4)),
    ]
    assert [block.original(row)["line"] for row in (2, 3)] == ['{"id": ', "\\xff"]


@pytest.mark.parametrize("text", ["", "  ", "{}", '{"a": []}', "[", "[{}", "[{}] x", "[{}]]", "[{}{}]", "nonsense"])
def test_what_is_no_array_is_refused(text: str) -> None:
    with pytest.raises(BadFile, match=r"is no JSON array|is no whole JSON"):
        list(read_json_array([text.encode()], COLUMNS))


def test_an_element_without_end_is_refused_before_it_fills_the_memory() -> None:
    endless = (b'[{"id": "' if n == 0 else b"x" * (1 << 16) for n in range(1_000_000))
    with pytest.raises(BadFile, match="has an element of more than"):
        list(read_json_array(endless, COLUMNS))


def test_a_large_array_comes_in_bounded_blocks() -> None:
    text = b"[" + b",".join(b'{"id":%d,"price":1}' % n for n in range(120_000)) + b"]"
    pieces = (text[at : at + 50_000] for at in range(0, len(text), 50_000))
    counts = [block.frame.height for block in read_json_array(pieces, COLUMNS)]
    assert (sum(counts), max(counts)) == (120_000, 100_000)


def test_columns_are_found_by_name_and_others_left_alone() -> None:
    text = b"\xef\xbb\xbfside,,x,x,id,price,\n buy,1,2,3,4,5.5,\n"
    (block,) = read_named_csv([text], COLUMNS)
    assert block.frame.rows() == [(4, Decimal("5.5"), " buy")]
    assert block.original(0) == {
        "side": " buy",
        "[1]": "1",
        "x[2]": "2",
        "x[3]": "3",
        "id": "4",
        "price": "5.5",
        "[6]": "",
    }


def test_a_file_without_a_header_is_read_by_the_names_given() -> None:
    (block,) = read_named_csv([b"1,a,2\n3,b,4\n"], COLUMNS[:2], names=["id", "note", "price"])
    assert block.frame.rows() == [(1, 2), (3, 4)]


@pytest.mark.parametrize("header", ["id,price", "id,price,side,side", "ID,price,side", "1,2,3"])
def test_a_column_that_is_not_there_once_is_refused(header: str) -> None:
    with pytest.raises(BadFile, match="should stand once"):
        list(read_named_csv([f"{header}\n".encode()], COLUMNS))


def test_a_line_with_too_few_fields_is_not_hidden_by_one_with_too_many_among_columns_left_alone() -> None:
    (block,) = read_named_csv([b"id,price,side,x\n1,2,,\n1,2,\n1,2,,,\n"], COLUMNS)
    assert [(fault.row, fault.reason) for fault in block.faults] == [
        (1, "3 fields where 4 belong"),
        (2, "5 fields where 4 belong"),
    ]


def test_progress_is_told_now_and_then_in_bytes_and_records(caplog: pytest.LogCaptureFixture) -> None:
    times = iter([0.0, 1.0, 11.0, 11.0, 12.0, 13.0])
    caplog.set_level(logging.INFO, "market_data.bulk")
    progress = Progress("day.csv.gz", 2_000, clock=lambda: next(times))
    progress.add(500, 1_000)
    progress.add(1_000, 1_500)
    progress.add(1_500, 10)
    progress.end(2_000)
    assert caplog.messages == [
        "day.csv.gz: 1,000 of 2,000 bytes read (50 %), 2,500 records, 11 s",
        "day.csv.gz: 2,000 of 2,000 bytes read (100 %), 2,510 records, 13 s",
    ]


def test_a_file_that_is_read_at_once_says_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    (tmp_path / "x").write_bytes(as_csv([(1, Decimal(2), None)]))
    blocks(tmp_path / "x", "csv")
    assert caplog.messages == []
