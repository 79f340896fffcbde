"""Collecting what a check asks of a partition, small or large, in bounded memory. No rules."""

from collections.abc import Iterable, Sequence
from typing import Literal

import polars as pl

_STREAMED_FROM = 262_144
"""Rows. The streaming engine starts threads, which costs a small partition more than the work itself."""
_SAMPLED = 100_000
_PREVIOUS = "previous row: "


def collected(frame: pl.LazyFrame, rows: int) -> pl.DataFrame:
    """Return the frame, read by the engine that suits a partition of so many rows."""
    return frame.collect(engine=engine_for(rows))


def engine_for(rows: int) -> Literal["streaming", "in-memory"]:
    """Return the engine that suits a partition of so many rows. Polars' own choice is the streaming one for any."""
    return "streaming" if rows >= _STREAMED_FROM else "in-memory"


def usual(value: pl.Expr, quantile: float, rows: int) -> pl.Expr:
    """About that quantile of a value, from at most some hundred thousand rows spread evenly over the table.

    The exact one would hold the whole column in memory, which what is usual does not deserve.
    """
    return value.gather_every(max(1, rows // _SAMPLED)).quantile(quantile, "lower")


def previous(name: str) -> pl.Expr:
    """Return a column's value in the row before, for what a check `asks`: null in the first row.

    All checks share it. Where each had its own `shift`, polars held back what the others were done with: 15 M trades
    took 1,040 MB instead of 400.
    """
    return pl.col(f"{_PREVIOUS}{name}")


def with_previous(frame: pl.LazyFrame, expressions: Iterable[pl.Expr]) -> pl.LazyFrame:
    """Return the frame with the columns of the row before that expressions want."""
    names = {name for expression in expressions for name in expression.meta.root_names()}
    wanted = sorted(name.removeprefix(_PREVIOUS) for name in names if name.startswith(_PREVIOUS))
    return frame.with_columns(pl.col(wanted).shift(1).name.prefix(_PREVIOUS)) if wanted else frame


def repeated_hashes(frame: pl.LazyFrame, columns: pl.Expr | Sequence[str], rows: int) -> pl.Series:
    """Return the hash of every row whose values in `columns` (null equal to null) an earlier row has; sorted.

    Eight bytes a row where the values themselves took a hundred. Equal values have equal hashes, so that an empty
    answer proves uniqueness; of 10 M different rows two share one of 2^64 hashes once in 400,000 partitions.
    """
    hashes = collected(frame.select(hash=pl.struct(columns).hash()), rows)["hash"].sort()
    return hashes.filter(hashes == hashes.shift(1))
