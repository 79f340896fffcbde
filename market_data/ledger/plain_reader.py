"""Opening a ledger for reading alone, by the database's own driver. What is asked of it stands in `reader`.

`import sqlalchemy` alone takes as long as a small query. No schema is brought up here, and no server waited for: where
the ledger is not of the version that this code knows, or does not open in the plain way, whoever opens it goes by
`Ledger`, which has the words for what is wrong.
"""

import re
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from market_data.domain.errors import DatabaseUnavailable
from market_data.ledger.migrations import HEAD, SCHEMA, VERSION_TABLE
from market_data.ledger.reader import Reader, Rows

if TYPE_CHECKING:
    from psycopg2 import extensions

_SQLITE = "sqlite:///"
_POSTGRES = re.compile(r"postgresql(\+psycopg2)?://")
_VERSION = f"SELECT version_num FROM {VERSION_TABLE}"


class SqliteReader:
    """See `Reader`: one transaction that reads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Rows:
        """See `Reader`."""
        return self._connection.execute(sql, values).fetchall()


class PostgresReader:
    """See `Reader`: one transaction that reads, as of one instant."""

    def __init__(self, connection: "extensions.connection") -> None:
        self._connection = connection

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Rows:
        """See `Reader`.

        Raises:
            DatabaseUnavailable: the server broke off.
        """
        from psycopg2 import OperationalError  # noqa: PLC0415  who has a connection has imported it

        try:
            with self._connection.cursor() as cursor:
                cursor.execute(postgres_marks(sql), tuple(values))
                return cursor.fetchall()
        except OperationalError as error:
            raise DatabaseUnavailable(f"the ledger's database broke off: {' '.join(str(error).split())}") from None


class NothingYet:
    """See `Reader`: a ledger that nobody has made yet."""

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Rows:  # noqa: ARG002
        """Return no row."""
        return ()


def postgres_marks(sql: str) -> str:
    """Return a query of `Reader` with its parameters marked as psycopg2 has them."""
    return sql.replace("?", "%s")


@contextmanager
def plain_reader(url: str) -> Generator[Reader | None]:
    """Give a reader of a ledger that is there, open to us, and of this code's version; None of any other."""
    if url.startswith(_SQLITE):
        file = _sqlite(Path(url.removeprefix(_SQLITE)))
        try:
            yield None if file is None else SqliteReader(file)
        finally:
            if file is not None:
                file.close()
    else:
        server = _postgres(url) if _POSTGRES.match(url) else None
        try:
            yield None if server is None else PostgresReader(server)
        finally:
            if server is not None:
                server.close()


def _sqlite(path: Path) -> sqlite3.Connection | None:
    if not path.exists():
        return None
    connection = None
    with suppress(sqlite3.Error):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=60, isolation_level=None)
        connection.execute("BEGIN")
        if connection.execute(_VERSION).fetchone() == (HEAD,):
            return connection
    if connection is not None:
        connection.close()
    return None


def _postgres(url: str) -> "extensions.connection | None":
    import psycopg2  # noqa: PLC0415  not where the ledger is a file

    connection = None
    with suppress(psycopg2.Error):
        connection = psycopg2.connect(_POSTGRES.sub("postgresql://", url, count=1), connect_timeout=10)
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:
            cursor.execute(f"SET search_path TO {SCHEMA}")
            cursor.execute(_VERSION)
            if cursor.fetchone() == (HEAD,):
                return connection
    if connection is not None:
        connection.close()
    return None
