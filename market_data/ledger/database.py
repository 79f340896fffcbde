"""The connection to the ledger's database: SQLite or PostgreSQL, and what is waited for. No relations, no queries."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import stamina
from sqlalchemy import DDL, URL, Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.engine import Dialect, ExceptionContext
from sqlalchemy.exc import ArgumentError
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from market_data.domain.errors import MAKE_ROOM, ConfigurationError, DatabaseUnavailable, StorageTrouble
from market_data.ledger.migrations import SCHEMA
from market_data.ledger.sqlite import READS_NOW, sqlite_engine

PATIENCE_SECONDS = 120.0
"""How long a database that does not answer is waited for: longer than a restart of it takes."""

# Transactions here take milliseconds. One whose client is gone, and whose server was not told, bars the others' way.
_IDLE_SECONDS = 60

T = TypeVar("T")
_log = logging.getLogger("market_data.warehouse")
_NO_ROOM = "53"
"""The class of PostgreSQL's codes for a full disk, no memory, and too many clients."""
_REFUSALS = ("authentication failed", "does not exist", "no pg_hba.conf entry", "permission denied", "not permitted")


def engine_of(url: str, *, waits: bool = True) -> Engine:
    """Return an engine of the ledger's database. Nothing is connected yet.

    Args:
        waits: whether whoever connects waits for a PostgreSQL server that does not answer.

    Raises:
        ConfigurationError: it is no URL, or one of another kind of database.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    # SQLAlchemy's own words would repeat the URL, and a password with it.
    if parsed is None or parsed.drivername not in {"sqlite", "postgresql", "postgresql+psycopg2"}:
        raise ConfigurationError(
            "the ledger's URL names no database that it can lie in; expected such as "
            "postgresql://user:password@host/database or sqlite:////var/lib/market-data/ledger.db "
            "(MARKET_DATA_LEDGER_URL, else MARKET_DATA_POSTGRES_URL)"
        )
    return sqlite_engine(parsed) if parsed.drivername == "sqlite" else _postgresql(parsed, waits)


def reading(engine: Engine) -> Connection:
    """Return a connection for queries, which waits for no writer; close it after use."""
    if engine.dialect.name == "sqlite":
        # Half the time of a connection whose isolation SQLAlchemy changes, and changes back when it is closed.
        return engine.connect().execution_options(**{READS_NOW: True})
    # A read locks nothing there. To change the isolation of a connection that has just been lost raises the driver's
    # own error, which SQLAlchemy does not see, and so does not tell as one.
    return engine.connect()


def take_turn(connection: Connection, relation: Table) -> None:
    """Wait until no other transaction has its turn with a relation, and have it until this one ends.

    Readers are not held up. To be called first: what was read before may have changed since.
    """
    if connection.dialect.name == "postgresql":  # on SQLite every writer has taken turns since it began
        connection.execute(DDL("LOCK TABLE %(fullname)s IN SHARE ROW EXCLUSIVE MODE").against(relation))


def shown(url: URL) -> str:
    """Return where a database is, for people; no credential."""
    if url.drivername == "sqlite":
        return str(url.database)
    return f"PostgreSQL at {url.host or url.query.get('host', 'localhost')}:{url.port or 5432}/{url.database}"


def waited_for(work: Callable[[], T]) -> T:
    """Does `work`, and again while the database does not answer.

    `work` must bear being done twice: where the connection is lost while a transaction is committed, nobody is told
    whether it was.

    Raises:
        DatabaseUnavailable: it did not answer for so long.
    """
    set_on_retry_hooks([_say])
    for attempt in stamina.retry_context(
        on=DatabaseUnavailable, attempts=None, timeout=PATIENCE_SECONDS, wait_initial=0.1, wait_max=5.0, wait_jitter=0.5
    ):
        with attempt:
            return work()
    raise AssertionError("stamina returns or raises")


def _say(details: RetryDetails) -> None:
    _log.warning("%s; trying again in %.1f s", details.caused_by, details.wait_for)


def _postgresql(url: URL, waits: bool) -> Engine:
    """Whoever begins a transaction waits until the server answers; one that is cut off says so, and in which words."""
    where = shown(url)

    def connect(dialect: Dialect, _: Any, words: list[Any], named: dict[str, Any]) -> Any:
        if not waits:
            return _connected(where, dialect, words, named)
        return waited_for(lambda: _connected(where, dialect, words, named))

    def failed(context: ExceptionContext) -> None:
        # The pool's own look at a connection that lay idle is told in its own way: it makes a new one.
        if context.is_disconnect and not context.is_pre_ping:
            raise DatabaseUnavailable(f"{where} broke off: {_words(context.original_exception)}")
        if str(getattr(context.original_exception, "pgcode", None)).startswith(_NO_ROOM):
            raise StorageTrouble(f"{where}: {_words(context.original_exception)}; {MAKE_ROOM}")

    def connected(connection: Any, _: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET idle_in_transaction_session_timeout = '{_IDLE_SECONDS}s'")
        connection.commit()

    # A server that is not there at all must be found out in less time than is waited for it.
    engine = create_engine(url.set(query={"connect_timeout": "10", **url.query}), pool_pre_ping=True)
    event.listen(engine, "do_connect", connect)
    event.listen(engine, "connect", connected)
    event.listen(engine, "handle_error", failed)
    return engine.execution_options(schema_translate_map={None: SCHEMA})


def _connected(where: str, dialect: Dialect, words: list[Any], named: dict[str, Any]) -> Any:
    try:
        return dialect.connect(*words, **named)
    except dialect.loaded_dbapi.Error as error:
        told = _words(error)
        if any(refusal in told for refusal in _REFUSALS):
            raise ConfigurationError(
                f"{where} refuses: {told} (MARKET_DATA_LEDGER_URL, else MARKET_DATA_POSTGRES_URL, names it)"
            ) from None
        raise DatabaseUnavailable(
            f"{where} does not answer: {told}; start it, or say where it is in MARKET_DATA_POSTGRES_URL "
            "(the ledger's alone: MARKET_DATA_LEDGER_URL)"
        ) from None


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())
