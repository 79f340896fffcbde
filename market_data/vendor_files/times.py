"""A vendor's times as int64 ns since the epoch, UTC, exactly; what is none is a fault. No vendor is known here."""

from collections.abc import Mapping, Sequence
from typing import Literal

import polars as pl

from market_data.domain.ports.source import Fault
from market_data.vendor_files.columns import Column

Unit = Literal["s", "ms", "us", "ns", "iso8601"]

_DIGITS: Mapping[str, int] = {"s": 9, "ms": 6, "us": 3, "ns": 0}
_LAST = 2**63 - 1
_ISO = r"^ *(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9})0*)?(?:([Zz])|([+-])(\d\d):?(\d\d))? *$"


def time_column(name: str, unit: Unit, *, required: bool = True) -> Column:
    """Return how a column of times is read, for `nanoseconds` to make of it what is meant."""
    if unit == "iso8601":
        return Column(name, pl.String(), required)
    return Column(name, pl.Decimal(19, _DIGITS[unit]), required)


def whole_time_column(name: str, *, required: bool = True) -> Column:
    """Return the same for whole numbers of any unit: twice as fast, and a fraction is a fault."""
    return Column(name, pl.Int64(), required)


def nanoseconds(name: str, unit: Unit, kind: pl.DataType) -> pl.Expr:
    """Return the instants in a column of that type, ns since the epoch.

    Null for what int64 cannot hold or is before 1970.

    A text without a time zone is UTC.
    """
    if unit == "iso8601":
        return _from_text(name)
    value = pl.col(name)
    if isinstance(kind, pl.Decimal):  # its last digit is a nanosecond
        value, scale = value.to_physical().cast(pl.Int64, strict=False), 1
    else:
        scale = 10 ** _DIGITS[unit]
    return pl.when(value.is_between(0, _LAST // scale)).then(value * scale)


def time_faults(frame: pl.DataFrame, original: str, made: str, unit: Unit) -> list[Fault]:
    """Return a fault for every row that has something in the column `original`, and no instant in `made`."""
    if not frame[made].null_count():
        return []
    wrong = frame[made].is_null() & frame[original].is_not_null()
    words = "no time of ISO 8601" if unit == "iso8601" else f"no time in {unit}"
    return [
        Fault(row, f"{original}_is_readable", f"{original} is {words}: {frame[original][row]}")
        for row in wrong.arg_true()
    ]


def with_more(faults: Sequence[Fault], more: Sequence[Fault]) -> list[Fault]:
    """Return both in order of their rows; a row keeps its first fault."""
    known: dict[int, Fault] = {}
    for fault in (*faults, *more):
        known.setdefault(fault.row, fault)
    return [known[row] for row in sorted(known)]


def _from_text(name: str) -> pl.Expr:
    part = [pl.col(name).str.extract(_ISO, group) for group in range(8)]
    moment = pl.concat_str(part[1], pl.lit("T"), part[2]).str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False)
    fraction = part[3].fill_null("0").str.pad_end(9, "0").cast(pl.Int64)
    away = (part[6].cast(pl.Int64) * 60 + part[7].cast(pl.Int64)) * 60
    offset = pl.when(part[5] == "-").then(-away).otherwise(away).fill_null(0)
    seconds = moment.dt.epoch("s") - offset
    return pl.when(seconds.is_between(0, _LAST // 10**9 - 1)).then(seconds * 10**9 + fraction)
