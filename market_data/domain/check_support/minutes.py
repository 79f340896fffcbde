"""Ticks by instrument and minute, in one streaming pass: what checks of rhythm and prices need of millions of rows.

A minute is small enough that whatever lasts longer spans whole ones, and a day has 1,440 of them at most.
"""

from collections.abc import Collection

import polars as pl

from market_data.domain.check_support.scan import collected
from market_data.domain.time import NS_PER_MINUTE

KEYS = ("instrument_id", "publisher_id")
"""What a source may tell its ticks apart by; a table without such a column has null."""
_WIDEST = 0.05
"""Share of the price. The mean of a bid and an ask that lie further apart is nobody's price."""
COLUMNS = (*KEYS, "minute", "rows", "first_ns", "last_ns", "low", "high", "size")


def minutes(ticks: pl.LazyFrame, clock: str | None, rows: int) -> pl.DataFrame:
    """`COLUMNS`, sorted by key and minute; only minutes with rows.

    `minute` counts from the epoch by the table's clock. `low` and `high` are of trades' prices, or of the mean of bid
    and ask where the two make a market; `size` adds up trades. Floats, of which equal prices give equal ones. Null
    where the table has no prices.
    """
    columns = ticks.collect_schema().names()
    if clock is None or clock not in columns:
        return pl.DataFrame(schema=_SCHEMA)
    at, keys = pl.col(clock), [key for key in KEYS if key in columns]
    size = pl.col("size").cast(pl.Float64) if "size" in columns else pl.lit(None, pl.Float64)
    grouped = (
        ticks.select(*keys, clock, _minute=at // NS_PER_MINUTE, _price=price_of(columns), _size=size)
        .group_by(*keys, minute="_minute")
        .agg(
            rows=pl.len(),
            first_ns=at.min(),
            last_ns=at.max(),
            low=pl.col("_price").min(),
            high=pl.col("_price").max(),
            size=pl.col("_size").sum(),
        )
    )
    found = grouped.with_columns(pl.lit(None).alias(key) for key in KEYS if key not in keys)
    typed = found.select(pl.col(name).cast(kind) for name, kind in _SCHEMA.items())
    return collected(typed.sort(*KEYS, "minute"), rows)


def price_of(columns: Collection[str]) -> pl.Expr:
    """Return the price that a row of ticks stands for, by the columns that there are; null where it has none."""
    if "bid_price" in columns:
        bid, ask = (pl.col(name).cast(pl.Float64) for name in ("bid_price", "ask_price"))
        middle = (bid + ask) / 2
        return pl.when((bid <= ask) & (ask - bid <= middle.abs() * _WIDEST)).then(middle)
    return pl.col("price").cast(pl.Float64) if "price" in columns else pl.lit(None, pl.Float64)


_FLOATS = ("low", "high", "size")
_SCHEMA: dict[str, pl.DataType] = {
    name: pl.String() if name == "instrument_id" else pl.Float64() if name in _FLOATS else pl.Int64()
    for name in COLUMNS
}
