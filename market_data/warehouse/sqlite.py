"""The ledger's database: how it is opened, and what it says when it cannot, as this project's errors. No relations."""

import errno
import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from market_data.domain.errors import MAKE_ROOM, ConfigurationError, StorageTrouble, ours

_AGAIN = "try again later: what is done is not made again"
_DISK = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
_PRIMARY = 0xFF
_LEAST_BYTES = 64 * 1024
_AS_IT_LIES = "as it lies"
_SERVER = {
    "08": f"start the server, or {_AGAIN}",
    "25": f"the server only lets itself be read; {_AGAIN}",
    "53": f"the server has no room, or too many clients; {MAKE_ROOM}",
    "57": f"start the server, or {_AGAIN}",
    "58": "look at the server's log, and at its disk",
}
"""By the class of PostgreSQL's code; a connection that broke has none."""


def open_database(url: str) -> Engine:
    """An engine whose troubles are StorageTrouble with what to do about them; a mistake in a query stays SQLAlchemy's.

    A SQLite file on a disk that is read-only or full can still be read.

    Raises:
        ConfigurationError: the URL is none.
    """
    try:
        # That a server was started anew shows before a connection is used, and not by its failing.
        engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    except (ArgumentError, NoSuchModuleError):  # whose words repeat the URL, and a password with it
        raise ConfigurationError(
            "the ledger's URL is none of SQLAlchemy's; expected such as postgresql://user:password@host/database "
            "or sqlite:////var/lib/market-data/ledger.db (MARKET_DATA_LEDGER_URL)"
        ) from None
    event.listen(engine, "handle_error", _as_ours, retval=True)
    if engine.dialect.name == "sqlite":
        _make_sqlite_strict(engine)
    return engine


def reading(engine: Engine) -> Connection:
    """A connection for queries, which waits for no writer; close it after use."""
    return engine.execution_options(isolation_level="AUTOCOMMIT").connect()


def _as_ours(context: ExceptionContext) -> BaseException | None:
    error = context.original_exception
    if isinstance(error, sqlite3.Error):
        url = context.engine.url if context.engine is not None else None
        return _of_sqlite(error, Path(url.database) if url is not None and url.database else None)
    code: str | None = getattr(error, "pgcode", None)
    if code is not None:
        advice = _SERVER.get(code[:2])
    else:
        advice = _SERVER["08"] if type(error).__name__ in {"OperationalError", "InterfaceError"} else None
    return None if advice is None else _told(error, advice)


def _of_sqlite(error: sqlite3.Error, path: Path | None) -> StorageTrouble | None:
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    if code == sqlite3.SQLITE_BUSY:
        return _told(error, f"another process kept it for a minute; {_AGAIN}")
    if code not in _DISK:
        return None
    # SQLite's own words for a full or a read-only disk differ by what it was about to do.
    if path is not None and (trouble := _disk_trouble(path)) is not None:
        return StorageTrouble(str(ours(trouble)))
    advice = MAKE_ROOM if code == sqlite3.SQLITE_FULL else "look at its disk, and at who may write there"
    return _told(error, advice)


def _told(error: BaseException, advice: str) -> StorageTrouble:
    return StorageTrouble(f"the ledger's database: {' '.join(str(error).split())}; {advice}")


def _disk_trouble(path: Path) -> OSError | None:
    """Why nothing can be written where a file lies, as the file system would say it."""
    try:
        facts = os.statvfs(path.parent)
    except OSError as error:
        return error
    if facts.f_flag & os.ST_RDONLY:
        return OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
    # A write wants a page or two at least.
    if facts.f_bavail * facts.f_frsize < _LEAST_BYTES:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    return None


def _make_sqlite_strict(engine: Engine) -> None:
    """A writer takes SQLite's write lock at its beginning and waits for it; what is committed is on disk."""
    connect = engine.dialect.connect

    def connecting(_: Any, record: Any, words: Any, options: Any) -> Any:
        connection = connect(*words, **options)
        connection.isolation_level = None
        try:
            # To change the journal a lock is wanted, too.
            for pragma in ("busy_timeout=60000", "journal_mode=WAL", "synchronous=FULL", "schema_version"):
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.OperationalError:
            connection.close()
            path = Path(*words)
            if not _is_whole(path) or _disk_trouble(path) is None:
                raise
            record.info[_AS_IT_LIES] = True
            return connect(f"{path.as_uri()}?mode=ro&immutable=1", **options, uri=True)
        return connection

    def returned(_: Any, record: Any) -> None:
        if record.info.pop(_AS_IT_LIES, False):  # the next one may find that it can be written again
            record.invalidate()

    def began(connection: Connection) -> None:
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":  # a reader waits for nobody
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "do_connect", connecting)
    event.listen(engine, "checkin", returned)
    event.listen(engine, "begin", began)


def _is_whole(path: Path) -> bool:
    """Whether all that was committed is in the file, and nothing in a journal beside it, which a writer reads."""
    journal = path.with_name(f"{path.name}-wal")
    return path.exists() and not (journal.exists() and journal.stat().st_size)
