"""SQL over the warehouse: connections on which queries read what counts, or counted, and nothing that is damaged.

On a folder, none of the libraries that write are imported for it.
"""

import datetime as dt
import itertools
import os
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from market_data.ledger.plain_reader import plain_reader
from market_data.ledger.reader import Reader, settled_commit, state_of
from market_data.warehouse.file_store import FolderFiles
from market_data.warehouse.views import Files, Views, prepare

if TYPE_CHECKING:
    from market_data.warehouse.store import Warehouse

Moment = int | dt.datetime
"""The number of a commit, or a time."""


class WarehouseConnection:
    """A DuckDB connection on which each query is planned from the ledger, as of one moment.

    It has every method of a `duckdb.DuckDBPyConnection`. `execute`, `sql` and `query` make views for each query under
    names of its own, over only the files that it needs; what `sql` returns reads them whenever it is asked.

    Args:
        reading: gives a reader of the ledger, as of one instant.
        as_of: the number of a commit: every query is of what counted right after it.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        files: Files,
        reading: Callable[[], AbstractContextManager[Reader]],
        as_of: int,
    ) -> None:
        self._connection = connection
        self._files = files
        self._reading = reading
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
        with self._reading() as reader:
            views = Views(self._connection, self._files, reader, self.as_of)
            return views.planned(query, prefix=f"q{self._queries}_")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@contextmanager
def connect(warehouse: "Warehouse", as_of: Moment | None = None) -> Generator[WarehouseConnection]:
    """Give a connection in memory, of what counts now, or counted at a moment.

    Raises:
        ConfigurationError: the moment is in the future, or before what is kept of history.
    """
    with _in_memory() as connection:
        yield opened(connection, warehouse, as_of)


def opened(
    connection: duckdb.DuckDBPyConnection, warehouse: "Warehouse", as_of: Moment | None = None
) -> WarehouseConnection:
    """Return a connection of DuckDB as one to the warehouse. See `connect`."""
    prepare(connection, warehouse.files)
    number = warehouse.ledger.last_commit if as_of is None else warehouse.ledger.as_of(as_of)
    return WarehouseConnection(connection, warehouse.files, warehouse.ledger.reader, number)


@contextmanager
def connect_plainly(root: Path, url: str, as_of: Moment | None = None) -> Generator[WarehouseConnection | None]:
    """Give a connection as `connect` does, for a folder and the URL of a ledger; None where that cannot be.

    It cannot where the ledger does not open, is of another version, or must be written to: to note that a moment was
    asked about.

    Raises:
        ConfigurationError: the moment is in the future, or before what is kept of history.
    """
    with plain_reader(url) as reader:
        number = None
        if reader is not None:
            number = state_of(reader).last_commit if as_of is None else settled_commit(reader, as_of)
        if reader is None or number is None:
            yield None
            return
        files = FolderFiles(root)
        with _in_memory() as connection:
            prepare(connection, files)
            yield WarehouseConnection(connection, files, lambda: _kept(reader), number)


@contextmanager
def _kept(reader: Reader) -> Generator[Reader]:
    yield reader


@contextmanager
def _in_memory() -> Generator[duckdb.DuckDBPyConnection]:
    """Give a connection to a database of its own, in the one instance of DuckDB that this process keeps.

    To start and stop an instance takes 20 ms of CPU, as long as a read of a month of one symbol; this takes 2. A forked
    process starts one of its own: threads do not survive a fork.
    """
    name = f"warehouse_{next(_NUMBERS)}"
    with _instance(os.getpid()).cursor() as connection:
        connection.execute(f"ATTACH ':memory:' AS {name}")
        connection.execute(f"USE {name}")
        try:
            yield connection
        finally:
            connection.close()
            with _instance(os.getpid()).cursor() as other:
                other.execute(f"DETACH {name}")


@cache
def _instance(process: int) -> duckdb.DuckDBPyConnection:
    del process
    # A name in a query is a table, never a variable of Python.
    return duckdb.connect(":memory:", config={"python_enable_replacements": False})


_NUMBERS = itertools.count(1)
