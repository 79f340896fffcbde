"""CSV in blocks: the same rows as Python's own csv and decimal read, whatever the blocks; nothing lost, nothing cut."""

import csv
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_data.domain.errors import BadFile
from market_data.vendor_files import csv_blocks as _csv
from market_data.vendor_files.csv_blocks import Block, Column, read_csv

PRICE = pl.Decimal(18, 9)
COLUMNS = (
    Column("id", pl.Int64()),
    Column("price", PRICE),
    Column("maker", pl.Boolean()),
    Column("note", pl.String(), required=False),
)
LIMIT = Decimal(10) ** 9
STEP = Decimal("0.000000001")


def pieces(text: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(text), size):
        yield text[start : start + size]


def read(text: str | bytes, size: int = 1 << 20, columns: Sequence[Column] = COLUMNS) -> list[Block]:
    return list(read_csv(pieces(text.encode() if isinstance(text, str) else text, size), columns))


def rows(blocks: Sequence[Block]) -> list[tuple[Any, ...]]:
    return [row for block in blocks for row in block.frame.rows()]


def faults(blocks: Sequence[Block]) -> dict[int, str]:
    return {block.first_record + fault.row: fault.reason for block in blocks for fault in block.faults}


def digits(low: int, high: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=low, max_size=high)


NUMBERS = st.one_of(
    st.builds("{}{}.{}".format, st.sampled_from(["", "-", "+"]), digits(1, 11), digits(0, 12)),
    st.builds("{}.{}000000000000".format, digits(1, 3), digits(0, 9)),
    st.builds("{}e{}".format, digits(1, 4), st.integers(-12, 12)),
    st.sampled_from(
        ["", "abc", "1.2.3", "nan", "Infinity", "1_0", "0x1", "\u0661", ".5", "5.", "-0", " 1", "1e999999999"]
    ),
)
IDS = st.one_of(
    st.integers(-(2**64), 2**64).map(str),
    st.sampled_from(["", "7.0", "x", "+5", "007", " 5 ", "1_0"]),
)
MAKERS = st.sampled_from(["True", "true", "False", "FALSE", "", "yes", "1"])
NOTES = st.sampled_from(["", "a", "True", "é", "a b"])
LINES = st.one_of(
    st.tuples(IDS, NUMBERS, MAKERS, NOTES).map(",".join),
    st.sampled_from(["", "   ", ",", ",,,", "1,2,true", "1,2,true,a,b", '"1","2.5",true,"a,b"', '1,"2', "garbage"]),
)


def as_python_reads(line: str) -> tuple[int | None, Decimal | None, bool | None, str | None]:
    """The row that a line means: each field None where it is no value that fits exactly."""
    try:
        fields = next(csv.reader([line], strict=True), [])
    except csv.Error:
        fields = []
    if len(fields) != len(COLUMNS):
        return None, None, None, None
    number, price, maker, note = fields
    return _integer(number), _decimal(price), {"true": True, "false": False}.get(maker.lower()), note or None


def _integer(text: str) -> int | None:
    try:
        value = int(text) if "_" not in text and text.isascii() else None
    except ValueError:
        return None
    return value if value is not None and -(2**63) < value < 2**63 else None


def _decimal(text: str) -> Decimal | None:
    if "_" in text or not text.isascii() or not any(digit in text for digit in "0123456789"):
        return None
    try:
        value = Decimal(text)
    except ArithmeticError:
        return None
    if value and value.adjusted() >= LIMIT.adjusted():
        return None
    return value if value == value.quantize(STEP) else None


@settings(deadline=None)
@given(
    lines=st.lists(LINES, max_size=12),
    size=st.integers(1, 200),
    header=st.booleans(),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_every_line_is_a_row_as_python_reads_it_whatever_the_blocks(
    lines: list[str], size: int, header: bool, ending: str
) -> None:
    text = "".join(line + ending for line in (["id,price,maker,note"] if header else []) + lines)
    blocks = read(text, size)
    assert rows(blocks) == [as_python_reads(line) for line in lines]
    expected = {
        number for number, row in enumerate(map(as_python_reads, lines)) if any(value is None for value in row[:3])
    }
    assert set(faults(blocks)) == expected


@settings(deadline=None)
@given(lines=st.lists(st.tuples(IDS, NUMBERS, MAKERS, NOTES).map(",".join), max_size=8), size=st.integers(1, 100))
def test_the_original_of_every_row_is_what_the_vendor_wrote(lines: list[str], size: int) -> None:
    blocks = read("".join(f"{line}\n" for line in lines), size)
    originals = [",".join(block.original(row).values()) for block in blocks for row in range(block.frame.height)]
    assert originals == lines


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1,0.12345678901,true,", "price does not fit: '0.12345678901'"),
        ("1,1000000000,true,", "price does not fit: '1000000000'"),
        ("1,abc,true,", "price is not a number: 'abc'"),
        ("1,,true,", "price is empty"),
        ("1.5,1,true,", "id is not a whole number: '1.5'"),
        ("9223372036854775808,1,true,", "id does not fit: '9223372036854775808'"),
        ("1,1,maybe,", "maker is neither true nor false: 'maybe'"),
        ("1,1,true", "3 fields where 4 belong"),
        ("", "an empty line"),
    ],
)
def test_a_record_that_cannot_be_read_is_a_fault_with_its_reason_and_its_neighbours_stay(
    line: str, reason: str
) -> None:
    blocks = read(f"1,2.5,true,a\n{line}\n3,0.000000001,False,\n")
    assert faults(blocks) == {1: reason}
    read_rows = rows(blocks)
    assert (read_rows[0], read_rows[2]) == ((1, Decimal("2.5"), True, "a"), (3, STEP, False, None))


def test_bytes_that_are_no_text_are_one_fault_and_kept_in_the_original() -> None:
    blocks = read(b"1,2,true,a\n1,\xff2,true,a\n")
    assert list(faults(blocks)) == [1]
    assert blocks[0].original(1)["price"] == "\\xff2"


def test_a_line_with_too_few_fields_is_not_hidden_by_one_with_too_many() -> None:
    blocks = read("1,2,true,a\n1,2,true\n1,2,true,a,b\n")
    assert faults(blocks) == {1: "3 fields where 4 belong", 2: "5 fields where 4 belong"}
    assert blocks[0].original(2) == {"line": "1,2,true,a,b"}


def test_a_header_of_other_columns_is_refused() -> None:
    with pytest.raises(BadFile, match="has the columns id, size, maker, note where id, price, maker, note belong"):
        read("id,size,maker,note\n1,2,true,\n")


def test_a_header_that_comes_again_is_a_faulty_record() -> None:
    blocks = read("id,price,maker,note\n1,2,true,\nid,price,maker,note\n")
    assert list(faults(blocks)) == [1]


@pytest.mark.parametrize("text", ["", "id,price,maker,note\n", "id,price,maker,note"])
def test_a_file_without_records_has_no_rows(text: str) -> None:
    assert rows(read(text)) == []


def test_a_file_of_mere_line_ends_is_read_in_bounded_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_csv, "MAX_LINES", 10)
    blocks = read("\n" * 95)
    assert len(faults(blocks)) == 95
    assert max(block.frame.height for block in blocks) <= 10


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(BadFile, match="has a line of more than"):
        list(read_csv((b"x" * (1 << 19) for _ in range(1_000_000)), COLUMNS))
