"""How a day's rows are changed at known places. What is changed so that a check must find it stands in `defects`."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from market_data.domain.time import NS_PER_HOUR, day_start
from market_data_tests.partition_view import MemoryView

Change = Callable[[pl.DataFrame, Sequence[int]], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Planted:
    """A day with a defect.

    Attributes:
        check: whose it is to find.
        rule: the rule that must break, as findings name it; the table where a check names none.
        count: how much of it must be measured.
    """

    view: MemoryView
    check: str
    rule: str
    count: float


def places_in(rows: pl.DataFrame, count: int) -> list[int]:
    """Rows spread over the day, none at its edges."""
    return [(n + 1) * len(rows) // (count + 1) for n in range(count)]


def setting(**columns: Any) -> Change:
    """Other values at the places."""

    def change(rows: pl.DataFrame, places: Sequence[int]) -> pl.DataFrame:
        here = pl.int_range(pl.len()).is_in(list(places))
        types = rows.schema
        values = {
            name: value if isinstance(value, pl.Expr) else pl.lit(value).cast(types[name])
            for name, value in columns.items()
        }
        return rows.with_columns(
            pl.when(here).then(value.cast(types[name])).otherwise(pl.col(name)).alias(name)
            for name, value in values.items()
        )

    return change


def with_rows(view: MemoryView, name: str, rows: pl.DataFrame, **more: Any) -> MemoryView:
    return dataclasses.replace(view, rows={**view.rows, name: rows}, **more)


def at_places(name: str, count: int, rule: str, of: str, change: Change) -> Callable[[MemoryView], Planted]:
    """`count` rows of a table changed; `of` the check that finds them by `rule`."""

    def plant(view: MemoryView) -> Planted:
        rows = view.rows[name]
        return Planted(with_rows(view, name, change(rows, places_in(rows, count))), of, f"{name} {rule}".strip(), count)

    return plant


def scaled(price: str, factor: str) -> pl.Expr:
    """A price times a factor, still a whole tick."""
    return (pl.col(price).cast(pl.Float64) * float(factor)).round(2)


def without_hours(view: MemoryView, name: str, start_hour: float, hours: float) -> pl.DataFrame:
    """A table without the rows of some hours."""
    start = day_start(view.partition.date) + int(start_hour * NS_PER_HOUR)
    return view.rows[name].filter(~pl.col("ts_event").is_between(start, start + int(hours * NS_PER_HOUR)))


def bars_changed(timeframe: str, count: int, **columns: Any) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Other values in `count` bars of a timeframe, of those in which something was traded."""

    def change(rows: pl.DataFrame) -> pl.DataFrame:
        wanted = pl.int_range(pl.len()).filter((pl.col("timeframe") == timeframe) & (pl.col("volume") > 0))
        traded = rows.select(wanted)
        return setting(**columns)(rows, [traded.item(place, 0) for place in places_in(traded, count)])

    return change
