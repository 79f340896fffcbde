"""The vendor's integers as the platform's types, exactly: expressions over its fields. No field's name stands here.

A price counts units of 1e-9, a time ns since the epoch. Each type has a greatest value that says "undefined"
(databento.com/docs, "Common fields, enums, and types"); it becomes null, and so does what does not fit, which `Limit`
finds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import polars as pl

from market_data.domain.numbers import PRICE, SIZE
from market_data.domain.ports.source import Fault
from market_data.sources.databento.dbn import Records

UNDEF_PRICE = UNDEF_INT64 = 2**63 - 1
UNDEF_TIME = UNDEF_UINT64 = 2**64 - 1
UNDEF_INT32, UNDEF_UINT32, UNDEF_UINT16 = 2**31 - 1, 2**32 - 1, 2**16 - 1
_LAST_NS = 2**63 - 1
_FITTING = 10**18 - 1
_SCALE = pl.lit(10**9, pl.Int128)
_BILLION = pl.lit(10**9, pl.Int64)
_LETTERS = pl.Enum(["", *map(chr, range(1, 256))])
"""Fields of one byte, as the byte they are: texts would take eight times as long to make and to compare."""
_ROWS_AT_ONCE = 16_384
"""Of records that are taken apart field by field: they then stay in the processor's cache."""


def price(field: str) -> pl.Expr:
    """Return a price, null if it is undefined or does not fit; the same integer under another type."""
    units = pl.col(field)
    return pl.when(units.is_between(-_FITTING, _FITTING)).then(units).cast(pl.Int128).reinterpret(dtype=PRICE)


def units(field: str) -> pl.Expr:
    """Return a quantity in units of 1e-9, as a size; all of them fit."""
    return known(field, UNDEF_INT64).cast(pl.Int128).reinterpret(dtype=SIZE)


def amount(field: str, undefined: int, kind: pl.Decimal = SIZE) -> pl.Expr:
    """Return a whole number of units as a size; in 64 bits where it has 32, which is four times as fast."""
    if undefined <= UNDEF_UINT32:
        return (known(field, undefined).cast(pl.Int64) * _BILLION).cast(pl.Int128).reinterpret(dtype=kind)
    return (known(field, undefined).cast(pl.Int128) * _SCALE).reinterpret(dtype=kind)


def time(field: str) -> pl.Expr:
    """Return an instant, null if it is undefined or does not fit."""
    return pl.when(pl.col(field) <= _LAST_NS).then(field).cast(pl.Int64)


def number(field: str, undefined: int | None = None) -> pl.Expr:
    """Return a whole number of at most 63 bits."""
    return (pl.col(field) if undefined is None else known(field, undefined)).cast(pl.Int64)


def known(field: str, undefined: int) -> pl.Expr:
    """Return the field, null where it has the value that says that there is none."""
    return pl.when(pl.col(field) != undefined).then(field)


def text(field: str) -> pl.Expr:
    """Return a text, null where it is empty."""
    return pl.when(pl.col(field) != "").then(field).cast(pl.String)


def number_as_text(field: str) -> pl.Expr:
    """Return a whole number's digits, made once for each number there is: they are few."""

    def digits(numbers: pl.Series) -> pl.Series:
        distinct = numbers.unique()
        return numbers.replace_strict(distinct, distinct.cast(pl.String), return_dtype=pl.String)

    return pl.col(field).map_batches(digits, return_dtype=pl.String, is_elementwise=True)


def side(field: str) -> pl.Expr:
    """`buy` for the bid side, `sell` for the ask, null for none. Of a trade it is the aggressor's."""
    return pl.when(pl.col(field) == "B").then(pl.lit("buy")).when(pl.col(field) == "A").then(pl.lit("sell"))


@dataclass(frozen=True, slots=True)
class Limit:
    """What a field must not be: `broken` for records that are no rows, in words as `does not fit`."""

    field: str
    rule: str
    broken: pl.Expr
    words: str
    digits: int = 0

    def fault(self, row: int, value: int) -> Fault:
        """Return the fault of a record; `digits` of the value are behind the point."""
        return Fault(row, self.rule, f"{self.field} {self.words}: {Decimal(value).scaleb(-self.digits):f}")


def price_fits(field: str) -> Limit:
    """It is below 10^9, on either side of zero."""
    units = pl.col(field)
    broken = (units != UNDEF_PRICE) & ~units.is_between(-_FITTING, _FITTING)
    return Limit(field, f"{field}_fits", broken, "does not fit", digits=9)


def time_fits(field: str) -> Limit:
    """It lies before the year 2262."""
    broken = (pl.col(field) != UNDEF_TIME) & (pl.col(field) > _LAST_NS)
    return Limit(field, f"{field}_fits", broken, "does not fit")


def raw_frame(records: Records, fields: Iterable[str]) -> pl.DataFrame:
    """Return fields of records as the vendor's own integers, and texts."""
    apart = {field: np.empty(len(records), records.dtype[field]) for field in fields}
    for first in range(0, len(records), _ROWS_AT_ONCE):
        some = records[first : first + _ROWS_AT_ONCE]
        for field, values in apart.items():
            values[first : first + _ROWS_AT_ONCE] = some[field]
    return pl.DataFrame({field: _series(values) for field, values in apart.items()})


def faults(raw: pl.DataFrame, limits: Sequence[Limit]) -> list[Fault]:
    """Return records beyond a limit, each with the first that it breaks."""
    broken = raw.select(limit.broken.alias(str(n)) for n, limit in enumerate(limits))
    found: dict[int, Fault] = {}
    for column, limit in zip(broken.iter_columns(), limits, strict=True):
        for row in column.arg_true():
            found.setdefault(row, limit.fault(row, raw[limit.field][row]))
    return [found[row] for row in sorted(found)]


def plain(record: np.void) -> Mapping[str, int | str]:
    """Return one record in the vendor's words; its reserved bytes say nothing."""
    names = [name for name in record.dtype.names or () if not name.startswith("_")]
    return {name: _word(record[name].item()) for name in names}


def _series(values: np.ndarray) -> pl.Series:
    if values.dtype.kind != "S":
        return pl.Series(values)
    if values.dtype.itemsize == 1:
        return pl.Series(values.view(np.uint8)).cat.to(_LETTERS)
    distinct, places = np.unique(values, return_inverse=True)
    return pl.Series([_word(word) for word in distinct.tolist()], dtype=pl.String).gather(places)


def _word(value: int | bytes) -> int | str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
