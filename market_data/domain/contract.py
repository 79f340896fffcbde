"""What a table is: a dataframely schema, an order, and hints for storage. No table stands here."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import dataframely as dy
import polars as pl

from market_data.domain.errors import ConfigurationError
from market_data.domain.rules import AS_IT_IS, Amendments, Bound
from market_data.domain.time import day_bounds

Schema = type[dy.Schema]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the warehouse.

    Attributes:
        name: the name used in paths, assets and SQL.
        schema: the contract of the columns that every feed shares; a source may extend it by subclassing.
        order: columns by which a partition is sorted; `ts_event` stands for the delivery's clock.
        times: columns of int64 ns since the epoch, UTC, which SQL shows as timestamps.
        repetitive: string or decimal columns with few distinct values, stored with a dictionary.
    """

    name: str
    schema: Schema
    order: tuple[str, ...]
    times: tuple[str, ...] = ()
    repetitive: tuple[str, ...] = ()


def empty(schema: Schema) -> pl.DataFrame:
    """Return a frame without rows, with the schema's columns and types."""
    return pl.DataFrame(schema=polars_schema(schema))


def polars_schema(schema: Schema) -> dict[str, pl.DataType]:
    """Return the polars types of a contract's columns, in order."""
    return {name: column.dtype for name, column in schema.columns().items()}


RECORD = "record"
"""The column that a contract adds to its schema: which record a row is, so that a broken rule finds it."""


@lru_cache(maxsize=256)
def contract(schema: Schema, day: dt.date, clock: str | None, amendments: Amendments = AS_IT_IS) -> Schema:
    """Return the rules of one partition: the schema's, and that the clock (if any) lies within [day, day + 1), UTC.

    Frames that are filtered by it need the column `record` besides the schema's.

    Args:
        amendments: what the feed changes of the schema's rules.

    Raises:
        ConfigurationError: it names a rule or column that the schema does not have.
    """
    members: dict[str, Any] = {RECORD: dy.Int64(nullable=False)}
    if clock is not None:
        start, end = day_bounds(day)

        def inside_the_partition_day(cls: Schema) -> pl.Expr:  # noqa: ARG001  dataframely hands the class over
            return pl.col(clock).is_between(start, end, closed="left")

        members["inside_the_partition_day"] = dy.rule()(inside_the_partition_day)
    members |= _amended(schema, amendments)
    return cast("Schema", type(f"{schema.__name__}Contract", (schema,), members))


def _amended(schema: Schema, amendments: Amendments) -> dict[str, Any]:
    """Members that take the place of relaxed rules, and those of the added ones."""
    # dataframely has no public name for it.
    every = schema._validation_rules(with_cast=False)  # pyright: ignore[reportPrivateUsage]
    own = tuple(name for name in every if "|" not in name)
    if unknown := [name for name, _ in amendments.relaxed if name not in own]:
        raise ConfigurationError(f"there is no rule {unknown[0]!r} to relax; expected one of {', '.join(own)}")
    members: dict[str, Any] = {name: dy.rule()(_always) for name, _ in amendments.relaxed}
    for bound in amendments.bounds:
        members[bound.rule] = dy.rule()(_within(schema, bound))
    return members


def _always(cls: Schema) -> pl.Expr:  # noqa: ARG001  dataframely hands the class over
    return pl.lit(value=True)


def _within(schema: Schema, bound: Bound) -> Callable[[Schema], pl.Expr]:
    types = polars_schema(schema)
    numeric = [name for name, kind in types.items() if kind.is_numeric()]
    if bound.column not in numeric:
        raise ConfigurationError(f"{bound.column!r} can have no bounds; expected one of {', '.join(numeric)}")
    column, kind = pl.col(bound.column), types[bound.column]

    def rule(cls: Schema) -> pl.Expr:  # noqa: ARG001  dataframely hands the class over
        above = pl.lit(value=True) if bound.lowest is None else column >= pl.lit(bound.lowest, kind)
        return above if bound.highest is None else above & (column <= pl.lit(bound.highest, kind))

    return rule
