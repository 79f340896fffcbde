"""The best levels of the order book, one row a change of them. Level 0 is the best; a level that is empty is null.

Columns are numbered, not lists: docs/decisions/0014-book-snapshots.md.
"""

import operator
from functools import reduce
from typing import Any, cast

import dataframely as dy
import polars as pl

from market_data.domain.contract import Schema, Table

LEVELS = 5
"""Levels that every source of the table has."""
MOST_LEVELS = 25


class _Times(dy.Schema):
    """Times are ns since the epoch, UTC. `ordinal` is the place in the vendor's order."""

    ts_event = dy.Int64(nullable=False)
    ts_recv = dy.Int64(nullable=True)
    ordinal = dy.Int64(nullable=False)


def level_columns(levels: int) -> tuple[str, ...]:
    """Return the names of a book's columns, level by level: `bid_price_0, bid_size_0, ask_price_0, ask_size_0, ...`."""
    sides = ("bid_price", "bid_size", "ask_price", "ask_size")
    return tuple(f"{name}_{level}" for level in range(levels) for name in sides)


def of_levels(levels: int, base: Schema = _Times) -> Schema:
    """Return the contract of books of so many levels: sizes are not negative, and crossed books are kept."""
    sizes = [name for name in level_columns(levels) if "_size_" in name]

    def sizes_are_not_negative(cls: Schema) -> pl.Expr:  # noqa: ARG001  dataframely hands the class over
        return reduce(operator.and_, (pl.col(name).fill_null(0) >= 0 for name in sizes))

    members: dict[str, Any] = {
        name: dy.Decimal(18, 9, nullable=True) if "price" in name else dy.Decimal(28, 9, nullable=True)
        for name in level_columns(levels)
    }
    members["sizes_are_not_negative"] = dy.rule()(sizes_are_not_negative)
    return cast("Schema", type(f"BookSnapshots{levels}", (base,), members))


BookSnapshots = of_levels(LEVELS)
TABLE = Table(
    name="book_snapshots",
    schema=BookSnapshots,
    order=("ts_event", "ordinal"),
    times=("ts_event", "ts_recv"),
    repetitive=(*(name for name in level_columns(MOST_LEVELS) if "_size_" in name), "instrument_id"),
)
