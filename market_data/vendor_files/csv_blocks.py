"""CSV as a stream of bounded blocks of typed rows: exact, every line a record, what cannot be read a fault.

It knows neither a vendor nor where the bytes come from. Speed is in `_whole`, correctness in all of it: a block that
the fast way does not read is read line by line. The text of a `BadFile` goes on from the file's name.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from market_data.domain.errors import BadFile
from market_data.domain.ports.source import Fault
from market_data.vendor_files.columns import BOOLEANS, Block, Column, typed

__all__ = ["Block", "Column", "bounded", "cut_at_lines", "read_csv", "read_named_csv"]

MAX_LINES = 400_000
"""Lines of one block: what a block's size bounds for records, this bounds for a file of mere line ends."""
MAX_LINE_BYTES = 1 << 20
"""A longer line is no record of any table."""

_NAME = re.compile(r"[a-z][a-z_ ]*")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class _Layout:
    """The names of all fields of a line, and those of them that are read."""

    names: Sequence[str]
    columns: Sequence[Column]


@dataclass(frozen=True)
class _Lines:
    """The text of a block, for the originals of single rows."""

    text: bytes
    names: Sequence[str]

    @cached_property
    def _lines(self) -> list[bytes]:
        return self.text.split(b"\n")

    def original(self, row: int) -> dict[str, str]:
        """Return the record as it was written: the columns' texts, or the line where it has not that many fields."""
        text = _text(self._lines[row])
        fields = _fields(text)
        return dict(zip(self.names, fields, strict=True)) if len(fields) == len(self.names) else {"line": text}


def read_csv(chunks: Iterable[bytes], columns: Sequence[Column]) -> Iterator[Block]:
    """Yield bytes in pieces of any size (their size is the blocks' size) as blocks of rows, in order.

    A first line of names is not a record; it must name the columns. The last line needs no line end.

    Raises:
        BadFile: the header names other columns, or a line is longer than `MAX_LINE_BYTES`.
    """
    texts = cut_at_lines(chunks)
    first = next(texts, b"")
    layout = _Layout([column.name for column in columns], columns)
    yield from _blocks(_without_header(first, layout.names), texts, layout)


def read_named_csv(
    chunks: Iterable[bytes], columns: Sequence[Column], names: Sequence[str] | None = None
) -> Iterator[Block]:
    """Yield the same for a file that may have more columns than are wanted, in any order.

    Args:
        chunks: as above. Without a byte there is no record, and no header is asked for.
        columns: those that are read; `original` gives all.
        names: of all fields, for a file without a header; else its first line names them.

    Raises:
        BadFile: a column is not among the names or there twice, or a line is longer than `MAX_LINE_BYTES`.
    """
    texts = cut_at_lines(chunks)
    first = next(texts, b"")
    if names is None:
        line, _, first = first.removeprefix(_BOM).partition(b"\n")
        names = [field.strip() for field in _fields(_text(line))]
        if names == [""] and not first:
            return
    _must_name(names, columns)
    yield from _blocks(first, texts, _Layout(_distinct(names), columns))


def _must_name(names: Sequence[str], columns: Sequence[Column]) -> None:
    wanted = [column.name for column in columns]
    if unclear := [name for name in wanted if names.count(name) != 1]:
        seen = ", ".join(names)
        seen = seen if len(seen) <= 200 else f"{seen[:200]}..."  # noqa: PLR2004  of a file that is no table at all
        raise BadFile(f"has the columns {seen}, where {', '.join(unclear)} should stand once")


def _distinct(names: Sequence[str]) -> list[str]:
    """Return names that are each there once: those of columns that are not read may repeat, or be empty."""
    return [name if names.count(name) == 1 else f"{name}[{place}]" for place, name in enumerate(names)]


def _blocks(first: bytes, texts: Iterator[bytes], layout: _Layout) -> Iterator[Block]:
    first_record = 0
    records = first
    while True:
        for piece in bounded(records):
            block = _parse(piece, first_record, layout)
            yield block
            first_record += block.frame.height
        following = next(texts, None)
        if following is None:
            return
        records = following


def cut_at_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in pieces of whole lines, each with its line end.

    Raises:
        BadFile: a line is longer than `MAX_LINE_BYTES`.
    """
    rest = b""
    for chunk in chunks:
        end = chunk.rfind(b"\n") + 1
        # Joined once: copying takes a tenth of the time of reading.
        text, rest = (b"".join((rest, memoryview(chunk)[:end])), chunk[end:]) if end else (b"", rest + chunk)
        if len(rest) > MAX_LINE_BYTES:
            raise BadFile(f"has a line of more than {MAX_LINE_BYTES} bytes: it is no table")
        if text:
            yield text
    if rest:
        yield rest + b"\n"


def bounded(text: bytes) -> Iterator[bytes]:
    """Yield whole lines in pieces of at most `MAX_LINES`."""
    if text.count(b"\n") <= MAX_LINES:
        if text:
            yield text
        return
    middle = text.rfind(b"\n", 0, len(text) // 2) + 1 or text.find(b"\n") + 1
    yield from bounded(text[:middle])
    yield from bounded(text[middle:])


def _without_header(text: bytes, expected: Sequence[str]) -> bytes:
    first, _, rest = text.partition(b"\n")
    names = [field.strip().lower() for field in _fields(_text(first.removeprefix(_BOM)))]
    if len(names) == 1 or not all(_NAME.fullmatch(name) and name not in BOOLEANS for name in names):
        return text
    if names != expected:
        raise BadFile(f"has the columns {', '.join(names)} where {', '.join(expected)} belong")
    return rest


def _parse(text: bytes, first_record: int, layout: _Layout) -> Block:
    faults: dict[int, Fault] = {}
    raw = _whole(text, layout)
    if raw is None:
        raw = _line_by_line(text, layout.names, faults)
    frame = typed(raw, layout.columns, faults)
    original = _Lines(text, layout.names).original
    return Block(first_record, frame, [faults[row] for row in sorted(faults)], original)


def _whole(text: bytes, layout: _Layout) -> pl.DataFrame | None:
    """Return the block as polars reads it, decimals still as text; None where it is not plainly one record a line.

    Decimals are text because polars' own decimal parsing cuts digits beyond the scale in silence. Lines that lack
    fields it fills with nulls in silence too, hence the count of commas; lines with too many it refuses, but not
    where it is told to leave columns out.
    """
    lines = text.count(b"\n")
    if b'"' in text or text.count(b",") != lines * (len(layout.names) - 1):
        return None
    types = {c.name: pl.String() if isinstance(c.dtype, pl.Decimal) else c.dtype for c in layout.columns}
    schema = {name: types.get(name, pl.String()) for name in layout.names}
    try:
        frame = pl.read_csv(text, has_header=False, schema=schema, quote_char=None)
    except pl.exceptions.PolarsError:
        return None
    return frame if frame.height == lines else None


def _line_by_line(text: bytes, names: Sequence[str], faults: dict[int, Fault]) -> pl.DataFrame:
    rows: list[list[str | None]] = []
    for number, line in enumerate(text.removesuffix(b"\n").split(b"\n")):
        fields = _fields(_text(line))
        if len(fields) == len(names):
            rows.append([field or None for field in fields])
            continue
        reason = f"{len(fields)} fields where {len(names)} belong" if line.strip() else "an empty line"
        faults[number] = Fault(number, "fields_are_complete", reason)
        rows.append([None] * len(names))
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "backslashreplace")


def _fields(text: str) -> list[str]:
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error:
        return [text]
