"""The tables' own columns as SQL types."""

from collections.abc import Collection, Mapping
from functools import cache

from market_data.domain.contract import polars_schema
from market_data.domain.tables import table, table_names
from market_data.warehouse.parquet import sql_type


def names() -> Collection[str]:
    """Return the names of all tables."""
    return table_names()


def times(name: str) -> Collection[str]:
    """Return the columns of a table that hold instants."""
    return table(name).times


@cache
def types(name: str) -> Mapping[str, str]:
    """Return the columns of a table that every feed shares, in order, with their SQL types."""
    return {column: sql_type(kind) for column, kind in polars_schema(table(name).schema).items()}
