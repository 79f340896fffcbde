"""The ledger's database in SQLite: how it is opened, and what is said when its disk is full or read-only."""

import errno
import os
import sqlite3
from pathlib import Path
from typing import Any

import stamina
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext

from market_data.domain.errors import MAKE_ROOM, StorageTrouble, ours

READS_ONLY = "market_data_reads_only"
"""Of a connection's options: its transaction reads, as of one instant, and never writes."""

READS_NOW = "market_data_reads_now"
"""Of a connection's options: each of its queries is an instant of its own, and it never writes."""

_AGAIN = "try again later: what is done is not made again"
_DISK = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
_PRIMARY = 0xFF
_PATIENCE_SECONDS = 60
_LEAST_BYTES = 64 * 1024
_AS_IT_LIES = "as it lies"


def sqlite_engine(url: URL) -> Engine:
    """Return an engine whose troubles are StorageTrouble with what to do about them.

    A mistake in a query stays SQLAlchemy's.

    A file on a disk that is read-only or full can still be read. A writer takes SQLite's write lock at its beginning
    and waits for it; what is committed is on disk.
    """
    engine = create_engine(url)
    event.listen(engine, "handle_error", _as_ours, retval=True)
    _listen(engine)
    return engine


def _as_ours(context: ExceptionContext) -> BaseException | None:
    error, url = context.original_exception, context.engine.url if context.engine is not None else None
    if not isinstance(error, sqlite3.Error):
        return None
    return _of_sqlite(error, Path(url.database) if url is not None and url.database else None)


def _of_sqlite(error: sqlite3.Error, path: Path | None) -> StorageTrouble | None:
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    if _is_busy(error):
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
    """Return why nothing can be written where a file lies, as the file system would say it."""
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


def _listen(engine: Engine) -> None:
    connect = engine.dialect.connect

    def connecting(_: Any, record: Any, words: Any, options: Any) -> Any:
        connection = connect(*words, **options)
        connection.isolation_level = None
        try:
            _prepare(connection)
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
        options = connection.get_execution_options()
        if not options.get(READS_NOW):  # who does waits for nobody
            connection.exec_driver_sql("BEGIN" if options.get(READS_ONLY) else "BEGIN IMMEDIATE")

    event.listen(engine, "do_connect", connecting)
    event.listen(engine, "checkin", returned)
    event.listen(engine, "begin", began)


def _prepare(connection: Any) -> None:
    """Its journal, and how long it waits. Processes that change a file's journal at once are refused without a wait."""
    connection.execute(f"PRAGMA busy_timeout={_PATIENCE_SECONDS * 1_000}")
    for attempt in stamina.retry_context(
        on=_is_busy, attempts=None, timeout=_PATIENCE_SECONDS, wait_initial=0.01, wait_max=0.5, wait_jitter=0.05
    ):
        with attempt:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "schema_version"):
                connection.execute(f"PRAGMA {pragma}")


def _is_busy(error: Exception) -> bool:
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & _PRIMARY == sqlite3.SQLITE_BUSY


def _is_whole(path: Path) -> bool:
    """Return whether all that was committed is in the file, and nothing in a journal beside it."""
    journal = path.with_name(f"{path.name}-wal")
    return path.exists() and not (journal.exists() and journal.stat().st_size)
