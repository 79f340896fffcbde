"""SQL over the warehouse: connections on which queries read what counts, or counted, and nothing that is damaged."""

import datetime as dt
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
from sqlalchemy import Connection

from market_data.ledger.database import SCHEMA
from market_data.ledger.ledger import Ledger
from market_data.ledger.reader import Reader, Rows
from market_data.warehouse.store import Warehouse
from market_data.warehouse.views import Views, prepare

Moment = int | dt.datetime
"""The number of a commit, or a time."""


class WarehouseConnection:
    """A DuckDB connection on which each query is planned from the ledger, as of one moment.

    It has every method of a `duckdb.DuckDBPyConnection`. `execute`, `sql` and `query` make views for each query under
    names of its own, over only the files that it needs; what `sql` returns reads them whenever it is asked.

    Args:
        as_of: the number of a commit: every query is of what counted right after it.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, warehouse: Warehouse, as_of: int) -> None:
        self._connection = connection
        self._warehouse = warehouse
        self.as_of = as_of
        self._queries = 0

    def execute(self, query: str, parameters: Any = None, **options: Any) -> duckdb.DuckDBPyConnection:
        """Run a query, as DuckDB's `execute`."""
        return self._connection.execute(self._planned(query), parameters, **options)

    def sql(self, query: str, **options: Any) -> Any:
        """Return a relation, as DuckDB's `sql`."""
        return self._connection.sql(self._planned(query), **options)

    query = sql

    def _planned(self, query: str) -> str:
        self._queries += 1
        with reader_of(self._warehouse.ledger) as reader:
            views = Views(self._connection, self._warehouse.files, reader, self.as_of)
            return views.planned(query, prefix=f"q{self._queries}_")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@contextmanager
def connect(warehouse: Warehouse, as_of: Moment | None = None) -> Generator[WarehouseConnection]:
    """Give a connection in memory, of what counts now, or counted at a moment.

    Raises:
        ConfigurationError: the moment is in the future, or before what is kept of history.
    """
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET python_enable_replacements = false")  # a name is a table, never a variable of Python
        yield opened(connection, warehouse, as_of)


def opened(
    connection: duckdb.DuckDBPyConnection, warehouse: Warehouse, as_of: Moment | None = None
) -> WarehouseConnection:
    """Return a connection of DuckDB as one to the warehouse. See `connect`."""
    prepare(connection, warehouse.files)
    number = warehouse.ledger.last_commit if as_of is None else warehouse.ledger.as_of(as_of)
    return WarehouseConnection(connection, warehouse, number)


@contextmanager
def reader_of(ledger: Ledger) -> Generator[Reader]:
    """Give a reader of an open ledger, as of one instant."""
    with ledger.instant() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL search_path TO {SCHEMA}")
        yield _LedgerReader(connection)


class _LedgerReader:
    """See `ledger.reader.Reader`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._mark = "?" if connection.dialect.name == "sqlite" else "%s"

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Rows:
        """See `Reader`."""
        return self._connection.exec_driver_sql(sql.replace("?", self._mark), tuple(values)).fetchall()
