"""Collecting what a check asks of a partition, small or large, in bounded memory. No rules."""

from collections.abc import Sequence

import polars as pl

_STREAMED_FROM = 262_144
"""Rows. The streaming engine starts threads, which costs a small partition more than the work itself."""


def collected(frame: pl.LazyFrame, rows: int) -> pl.DataFrame:
    """The frame, read by the engine that suits a partition of so many rows."""
    return frame.collect(engine="streaming" if rows >= _STREAMED_FROM else "in-memory")


def ascends(value: pl.Expr) -> pl.Expr:
    """Whether the value ascends strictly from row to row, without a null: then it is unique. Constant memory."""
    return ((value > value.shift(1)).sum() == pl.len() - 1) & (value.null_count() == 0)


def repeated_hashes(frame: pl.LazyFrame, columns: pl.Expr | Sequence[str], rows: int) -> pl.Series:
    """The hash of every row whose values in `columns` (null equal to null) an earlier row has; sorted.

    Eight bytes a row where the values themselves took a hundred. Equal values have equal hashes, so that an empty
    answer proves uniqueness; of 10 M different rows two share one of 2^64 hashes once in 400,000 partitions.
    """
    hashes = collected(frame.select(hash=pl.struct(columns).hash()), rows)["hash"].sort()
    return hashes.filter(hashes == hashes.shift(1))
