"""Text fields as typed columns: exact, null where a field is no value that fits, and then a fault with its reason.

How records are cut out of a file (`_csv`, `_json`) is not known here, nor any vendor.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any

import polars as pl

from market_data.domain.ports.source import Fault

BOOLEANS = ("true", "false")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the file. `dtype` is Int64, Boolean (`true` and `false` in any case), a Decimal, or String."""

    name: str
    dtype: pl.DataType
    required: bool = True


@dataclass(frozen=True, slots=True)
class Block:
    """Some consecutive records: one row each in `frame`; what cannot be read is null there, and a fault.

    `original` gives the record at a row as it was written.
    """

    first_record: int
    frame: pl.DataFrame
    faults: list[Fault]
    original: Callable[[int], Mapping[str, Any]]


def typed(raw: pl.DataFrame, columns: Sequence[Column], faults: dict[int, Fault]) -> pl.DataFrame:
    """Return the columns as their types. Those that `raw` has as text are read.

    What cannot be is null, and put in `faults`.

    A row that has a fault already keeps that one.
    """
    frame = raw.select(_typed(column, raw.schema[column.name]) for column in columns)
    for column in columns:
        if frame[column.name].null_count():
            frame = _mend(column, raw[column.name], frame, faults)
    return frame


def _typed(column: Column, raw: pl.DataType) -> pl.Expr:
    """Return the column exactly as its type, null where its plain spelling is not met."""
    value = pl.col(column.name)
    if raw == column.dtype:
        return value
    if isinstance(column.dtype, pl.Boolean):
        lowered = value.str.to_lowercase()
        return pl.when(lowered.is_in(BOOLEANS)).then(lowered == "true").alias(column.name)
    if isinstance(column.dtype, pl.Decimal):
        whole, scale = column.dtype.precision - column.dtype.scale, column.dtype.scale
        fraction = rf"(?:\.[0-9]{{1,{scale}}}0*)?" if scale else r"(?:\.0*)?"
        plain = rf"^-?[0-9]{{1,{whole}}}{fraction}$"
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
    """Return an unusual spelling (`1e-3`, ` 1.50`, zeros without end) as the plain one of the same value.

    Raises:
        ValueError: it is no value of the column's type, or does not fit it exactly.
    """
    stripped = text.strip(" ")
    if isinstance(column.dtype, pl.Decimal):
        return _plain_decimal(stripped, column.name, column.dtype)
    if isinstance(column.dtype, pl.Boolean):
        if stripped.lower() not in BOOLEANS:
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
