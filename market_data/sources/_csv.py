"""CSV as a stream of bounded blocks of typed rows: exact, every line a record, what cannot be read a fault.

It knows neither a vendor nor where the bytes come from. Speed is in `_whole`, correctness in all of it: a block that
the fast way does not read is read line by line. The text of a `BadFile` goes on from the file's name.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation
from functools import cached_property

import polars as pl

from market_data.domain.errors import BadFile
from market_data.domain.ports.source import Fault

MAX_LINES = 400_000
"""Lines of one block: what a block's size bounds for records, this bounds for a file of mere line ends."""
MAX_LINE_BYTES = 1 << 20
"""A longer line is no record of any table."""

_NAME = re.compile(r"[a-z][a-z_ ]*")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_BOOLEANS = ("true", "false")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the file. `dtype` is Int64, Boolean (`true` and `false` in any case), a Decimal, or String."""

    name: str
    dtype: pl.DataType
    required: bool = True


@dataclass(frozen=True)
class Block:
    """Some consecutive records: one row each in `frame`; what cannot be read is null there, and a fault."""

    first_record: int
    frame: pl.DataFrame
    faults: list[Fault]
    text: bytes

    @cached_property
    def _lines(self) -> list[bytes]:
        return self.text.split(b"\n")

    def original(self, row: int) -> dict[str, str]:
        """The record as it was written: the columns' texts, or the line where it has not that many fields."""
        text = _text(self._lines[row])
        fields = _fields(text)
        names = self.frame.columns
        return dict(zip(names, fields, strict=True)) if len(fields) == len(names) else {"line": text}


def read_csv(chunks: Iterable[bytes], columns: Sequence[Column]) -> Iterator[Block]:
    """Bytes in pieces of any size (their size is the blocks' size) as blocks of rows, in order.

    A first line of names is not a record; it must name the columns. The last line needs no line end.

    Raises:
        BadFile: the header names other columns, or a line is longer than `MAX_LINE_BYTES`.
    """
    first_record, at_start = 0, True
    for text in _cut_at_lines(chunks):
        records = _without_header(text, columns) if at_start else text
        at_start = False
        for piece in _bounded(records):
            block = _parse(piece, first_record, columns)
            yield block
            first_record += block.frame.height


def _cut_at_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        text = rest + chunk
        end = text.rfind(b"\n") + 1
        rest = text[end:]
        if len(rest) > MAX_LINE_BYTES:
            raise BadFile(f"has a line of more than {MAX_LINE_BYTES} bytes: it is no table")
        if end:
            yield text[:end]
    if rest:
        yield rest + b"\n"


def _bounded(text: bytes) -> Iterator[bytes]:
    if text.count(b"\n") <= MAX_LINES:
        if text:
            yield text
        return
    middle = text.rfind(b"\n", 0, len(text) // 2) + 1 or text.find(b"\n") + 1
    yield from _bounded(text[:middle])
    yield from _bounded(text[middle:])


def _without_header(text: bytes, columns: Sequence[Column]) -> bytes:
    first, _, rest = text.partition(b"\n")
    names = [field.strip().lower() for field in _fields(_text(first.removeprefix(b"\xef\xbb\xbf")))]
    if len(names) == 1 or not all(_NAME.fullmatch(name) and name not in _BOOLEANS for name in names):
        return text
    expected = [column.name for column in columns]
    if names != expected:
        raise BadFile(f"has the columns {', '.join(names)} where {', '.join(expected)} belong")
    return rest


def _parse(text: bytes, first_record: int, columns: Sequence[Column]) -> Block:
    faults: dict[int, Fault] = {}
    raw = _whole(text, columns)
    if raw is None:
        raw = _line_by_line(text, columns, faults)
    frame = typed(raw, columns, faults)
    return Block(first_record, frame, [faults[row] for row in sorted(faults)], text)


def typed(raw: pl.DataFrame, columns: Sequence[Column], faults: dict[int, Fault]) -> pl.DataFrame:
    """Columns of text as their types, exactly; what cannot be read is null, and becomes a fault of its row."""
    frame = raw.select(_typed(column, raw.schema[column.name]) for column in columns)
    for column in columns:
        if frame[column.name].null_count():
            frame = _mend(column, raw[column.name], frame, faults)
    return frame


def _whole(text: bytes, columns: Sequence[Column]) -> pl.DataFrame | None:
    """The block as polars reads it, decimals still as text; None where it is not plainly one record a line.

    Decimals are text because polars' own decimal parsing cuts digits beyond the scale in silence. Lines that lack
    fields it fills with nulls in silence too, hence the count of commas; lines with too many it refuses.
    """
    lines = text.count(b"\n")
    if b'"' in text or text.count(b",") != lines * (len(columns) - 1):
        return None
    schema = {c.name: pl.String() if isinstance(c.dtype, pl.Decimal) else c.dtype for c in columns}
    try:
        frame = pl.read_csv(text, has_header=False, schema=schema, quote_char=None)
    except pl.exceptions.PolarsError:
        return None
    return frame if frame.height == lines else None


def _line_by_line(text: bytes, columns: Sequence[Column], faults: dict[int, Fault]) -> pl.DataFrame:
    rows: list[list[str | None]] = []
    for number, line in enumerate(text.removesuffix(b"\n").split(b"\n")):
        fields = _fields(_text(line))
        if len(fields) == len(columns):
            rows.append([field or None for field in fields])
            continue
        reason = f"{len(fields)} fields where {len(columns)} belong" if line.strip() else "an empty line"
        faults[number] = Fault(number, "fields_are_complete", reason)
        rows.append([None] * len(columns))
    return pl.DataFrame(rows, schema=dict.fromkeys((c.name for c in columns), pl.String), orient="row")


def _typed(column: Column, raw: pl.DataType) -> pl.Expr:
    """The column exactly as its type, null where its plain spelling is not met."""
    value = pl.col(column.name)
    if raw == column.dtype:
        return value
    if isinstance(column.dtype, pl.Boolean):
        lowered = value.str.to_lowercase()
        return pl.when(lowered.is_in(_BOOLEANS)).then(lowered == "true").alias(column.name)
    if isinstance(column.dtype, pl.Decimal):
        whole, scale = column.dtype.precision - column.dtype.scale, column.dtype.scale
        plain = rf"^-?[0-9]{{1,{whole}}}(?:\.[0-9]{{1,{scale}}}0*)?$"
        return pl.when(value.str.contains(plain)).then(value.cast(column.dtype, strict=False))
    return value.cast(column.dtype, strict=False)


def _mend(column: Column, raw: pl.Series, frame: pl.DataFrame, faults: dict[int, Fault]) -> pl.DataFrame:
    """Values that the plain spelling missed, read one by one; what cannot be read becomes a fault."""
    plain: dict[int, str] = {}
    empty = raw.is_null()
    for row in (frame[column.name].is_null() & ~empty).arg_true():
        try:
            plain[row] = _plain(raw[row], column)
        except ValueError as error:
            faults.setdefault(row, Fault(row, f"{column.name}_is_readable", str(error)))
    if column.required:
        for row in empty.arg_true():
            faults.setdefault(row, Fault(row, f"{column.name}_is_there", f"{column.name} is empty"))
    if not plain:
        return frame
    mended = raw.scatter(list(plain), list(plain.values())).to_frame()
    return frame.with_columns(mended.select(_typed(column, mended.schema[column.name])))


def _plain(text: str, column: Column) -> str:
    """An unusual spelling (`1e-3`, ` 1.50`, zeros without end) as the plain one of the same value.

    Raises:
        ValueError: it is no value of the column's type, or does not fit it exactly.
    """
    stripped = text.strip(" ")
    if isinstance(column.dtype, pl.Decimal):
        return _plain_decimal(stripped, column.name, column.dtype)
    if isinstance(column.dtype, pl.Boolean):
        if stripped.lower() not in _BOOLEANS:
            raise ValueError(f"{column.name} is neither true nor false: {text!r}")
        return stripped
    if not _INTEGER.fullmatch(stripped):
        raise ValueError(f"{column.name} is not a whole number: {text!r}")
    if (len(stripped) > 20 and len(stripped.lstrip("+-0")) > 19) or abs(int(stripped)) >= 2**63:  # noqa: PLR2004
        raise ValueError(f"{column.name} does not fit: {text!r}")
    return str(int(stripped))


def _plain_decimal(text: str, name: str, dtype: pl.Decimal) -> str:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{name} is not a number: {text!r}")
    exact = Context(prec=dtype.precision, traps=[Inexact, InvalidOperation])
    try:
        return format(Decimal(text).quantize(Decimal(1).scaleb(-dtype.scale), context=exact), "f")
    except (Inexact, InvalidOperation):
        raise ValueError(f"{name} does not fit: {text!r}") from None


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "backslashreplace")


def _fields(text: str) -> list[str]:
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error:
        return [text]
