"""Reading the ledger for queries, as of one instant, in plain SQL. On SQLite it goes round SQLAlchemy.

`import sqlalchemy` alone takes as long as a small query. Nothing is written here, and no schema is brought up: where
the ledger is not of the version that this code knows, or its file cannot be read in the plain way, whoever opens it
goes by `Ledger`.
"""

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from market_data.ledger.file import File
from market_data.ledger.migrations import HEAD, VERSION_TABLE

Rows = Sequence[Sequence[Any]]
_BLOCK = 500
_PREFIX = "sqlite:///"


class Reader(Protocol):
    """Answers SQL about the ledger, as of one instant. Parameters are marked by `?`."""

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Rows:
        """Return the rows that a query selects."""
        ...


class SqliteReader:
    """See `Reader`: one transaction that reads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Rows:
        """See `Reader`. Days are texts, ISO 8601."""
        return self._connection.execute(sql, values).fetchall()


@contextmanager
def plain_reader(url: str) -> Generator[SqliteReader | None]:
    """Give a reader of a ledger in an SQLite file that is there and of this code's version; None of any other."""
    connection = _opened(Path(url.removeprefix(_PREFIX))) if url.startswith(_PREFIX) else None
    try:
        yield None if connection is None else SqliteReader(connection)
    finally:
        if connection is not None:
            connection.close()


def _opened(path: Path) -> sqlite3.Connection | None:
    if not path.exists():
        return None
    connection = None
    with suppress(sqlite3.Error):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=60, isolation_level=None)
        connection.execute("BEGIN")
        if connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone() == (HEAD,):
            return connection
    if connection is not None:
        connection.close()
    return None


def counting(as_of: int | None) -> tuple[str, Sequence[Any]]:
    """Return the condition, with its values, for rows that count now, or counted right after a commit.

    It is `ledger.revision.counting` in words.
    """
    if as_of is None:
        return "state = 'current'", ()
    then = "state <> 'pending' AND committed_in <= ? AND (superseded_in IS NULL OR superseded_in > ?)"
    return then, (as_of, as_of)


def files_of(reader: Reader, paths: Sequence[str]) -> dict[str, File]:
    """Return what is known of files, by their paths."""
    found: dict[str, File] = {}
    for first in range(0, len(paths), _BLOCK):
        block = paths[first : first + _BLOCK]
        marks = ", ".join("?" * len(block))
        rows = reader.rows(f"SELECT path, sha256, xxh3, size_bytes FROM files WHERE path IN ({marks})", block)
        found |= {row[0]: File(*row) for row in rows}
    return found
