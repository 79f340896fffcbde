"""SQL over the warehouse: connections on which queries read what counts, or counted, and nothing that is damaged.

On a folder, none of the libraries that write are imported for it.
"""

import datetime as dt
import itertools
import os
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import duckdb

from market_data.ledger.plain_reader import plain_reader
from market_data.ledger.reader import Reader, settled_commit, state_of
from market_data.warehouse.file_store import FolderFiles
from market_data.warehouse.query_tree import parsed
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
        use: where it is noted what is done with the connection.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        files: Files,
        reading: Callable[[], AbstractContextManager[Reader]],
        as_of: int,
        use: "_Use | None" = None,
    ) -> None:
        self._connection = connection
        self._use = use or _Use()
        self._files = files
        self._reading = reading
        self.as_of = as_of
        self._numbers = itertools.count(1)

    def execute(self, query: str, parameters: Any = None, **options: Any) -> Self:
        """Run a query, as DuckDB's `execute`."""
        self._connection.execute(self._planned(query), parameters, **options)
        return self

    def sql(self, query: str, **options: Any) -> Any:
        """Return a relation, as DuckDB's `sql`."""
        return self._connection.sql(self._planned(query), **options)

    query = sql

    def cursor(self) -> "WarehouseConnection":
        """Return another connection to the same tables, as of the same moment: threads take one each."""
        self._use.is_of_queries_alone = False
        connection = self._connection.cursor()  # nothing is asked of this one, which may be busy
        if self._use.database is not None:
            connection.execute(f"USE {self._use.database}")
        prepare(connection, self._files)
        another = WarehouseConnection(connection, self._files, self._reading, self.as_of, self._use)
        another._numbers = self._numbers
        return another

    duplicate = cursor

    def _planned(self, query: str) -> str:
        self._use.is_of_queries_alone &= parsed(self._connection, query) is not None
        with self._reading() as reader:
            views = Views(self._connection, self._files, reader, self.as_of)
            return views.planned(query, prefix=f"q{next(self._numbers)}_")

    def __getattr__(self, name: str) -> Any:
        self._use.is_of_queries_alone &= name in _READS
        return getattr(self._connection, name)


@contextmanager
def connect(warehouse: "Warehouse", as_of: Moment | None = None) -> Generator[WarehouseConnection]:
    """Give a connection in memory, of what counts now, or counted at a moment.

    Raises:
        ConfigurationError: the moment is in the future, or before what is kept of history.
    """
    with _in_memory() as (connection, use):
        yield opened(connection, warehouse, as_of, use)


def opened(
    connection: duckdb.DuckDBPyConnection,
    warehouse: "Warehouse",
    as_of: Moment | None = None,
    use: "_Use | None" = None,
) -> WarehouseConnection:
    """Return a connection of DuckDB as one to the warehouse. See `connect`."""
    prepare(connection, warehouse.files)
    number = warehouse.ledger.last_commit if as_of is None else warehouse.ledger.as_of(as_of)
    return WarehouseConnection(connection, warehouse.files, warehouse.ledger.reader, number, use)


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
        with _in_memory() as (connection, use):
            prepare(connection, files)
            yield WarehouseConnection(connection, files, lambda: _kept(reader), number, use)


@contextmanager
def _kept(reader: Reader) -> Generator[Reader]:
    yield reader


@contextmanager
def _in_memory() -> Generator[tuple[duckdb.DuckDBPyConnection, "_Use"]]:
    """Give a connection to a database of its own, in an instance of DuckDB that nobody else has meanwhile.

    To start and stop an instance takes 20 ms of CPU, as long as a read of a month of one symbol; to take the one that
    an earlier connection left takes 1. It is left only where nothing but queries was asked: files that are attached,
    functions, settings and the tables of `memory` are the instance's.
    """
    process, use = os.getpid(), _Use(_OWN)
    idle = _IDLE.setdefault(process, [])
    try:
        instance = idle.pop()
    except IndexError:  # a name in a query is a table, never a variable of Python
        instance = duckdb.connect(":memory:", config={"python_enable_replacements": False})
    connection = instance.cursor()
    connection.execute(f"ATTACH ':memory:' AS {_OWN}; USE {_OWN}")
    try:
        yield connection, use
    finally:
        if os.getpid() != process:
            _INHERITED.append((instance, connection))
        else:
            connection.close()
            if use.is_of_queries_alone and not idle:
                instance.execute(f"DETACH {_OWN}")
                idle.append(instance)
            else:
                instance.close()


@dataclass(slots=True)
class _Use:
    """What is done with a connection, in which database of its instance, where that is not the instance's first."""

    database: str | None = None
    is_of_queries_alone: bool = True


_OWN = "warehouse"
_IDLE: dict[int, list[duckdb.DuckDBPyConnection]] = {}
"""By process: a forked one starts instances of its own."""
_INHERITED: list[tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection]] = []
"""Of a process above this one, never let go: without the threads, which a fork does not have, that crashes."""
_READS = {"description", "extract_statements", "interrupt", "register", "rowcount", "unregister"} | {
    *("df", "fetch_df", "fetch_df_chunk", "fetchall", "fetchdf", "fetchmany", "fetchnumpy", "fetchone", "pl"),
    *("tf", "to_arrow_reader", "to_arrow_table", "torch"),
}
"""What leaves nothing behind in an instance once its connection is closed."""
