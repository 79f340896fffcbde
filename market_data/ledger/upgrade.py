"""Brings a ledger to the schema that this code knows: a new one, one from before there were steps, an older one.

All of it happens in one transaction under a lock, so of several processes one does it, and one that dies has done
nothing. alembic takes the steps; it is imported only where there are some to be taken.
"""

import logging
import sqlite3
from pathlib import Path

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateSchema

from market_data.domain.errors import LedgerUnfit, StorageTrouble
from market_data.ledger.database import SCHEMA, reading
from market_data.ledger.migrations import HEAD, VERSION_TABLE
from market_data.ledger.schema import builds, metadata, revisions
from market_data.storage.files import publish, sync_file

_log = logging.getLogger("market_data.warehouse")
_VERSION = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32)))
_LOCK = 0x6D61726B65746461
"""Of all advisory locks of a database this one is ours: the letters "marketda"."""
_UNDEFINED_TABLE = "42P01"
_FIRST = "revisions"
"""What the relation of revisions was named up to version 0005: by either name a ledger is known."""
_UNVERSIONED = {
    **{each: frozenset(metadata.tables[each].columns.keys()) for each in ("spending", "alerts", "deliveries")},
    **{each: frozenset(metadata.tables[each].columns.keys()) for each in ("dropped", "repairs")},
    _FIRST: frozenset({*revisions.columns.keys(), "writer"}),
    "makings": frozenset(builds.columns.keys()),
}
"""The relations that a ledger of no version may have, by their names then, with every column that each may have."""


def version(engine: Engine) -> str | None:
    """Return the version of a ledger's schema; None where it is new, or from before there were versions."""
    with reading(engine) as connection:
        try:
            return connection.execute(select(_VERSION.c.version_num)).scalar()
        except DBAPIError as error:
            if "no such table" in str(error.orig) or getattr(error.orig, "pgcode", None) == _UNDEFINED_TABLE:
                return None
            raise


def bring_up(engine: Engine) -> None:
    """Make the schema what this code knows; nothing where it is that already.

    Raises:
        LedgerUnfit: a newer version of the code made it, or none did. It is as it was.
        StorageTrouble: there is no room for the copy that is kept of an existing one. It is as it was.
    """
    if version(engine) == HEAD:
        return
    # The names of the steps are the plain ones: where they lie is the transaction's search path.
    with engine.connect().execution_options(schema_translate_map=None) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            _lock(connection)
            _find_relations(connection)
        found = connection.execute(select(_VERSION.c.version_num)).scalar() if _has(connection, VERSION_TABLE) else None
        if found != HEAD:
            _take_steps(connection, found)


def _take_steps(connection: Connection, found: str | None) -> None:
    from alembic import command  # noqa: PLC0415  most processes find nothing to do
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "market_data.ledger:migrations")
    config.attributes["connection"] = connection
    steps = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in steps:
        raise LedgerUnfit(
            f"the ledger is of version {found}, and this market-data knows it up to {HEAD}: a newer one made it. "
            "Nothing was changed; use that one, or put back the copy that was kept before the upgrade"
        )
    if _has(connection, _FIRST) or _has(connection, revisions.name):
        _log.warning("the ledger is brought from version %s to %s", found or "0", HEAD)
        if connection.dialect.name == "sqlite" and connection.engine.url.database:
            _keep_copy(Path(connection.engine.url.database))
    command.upgrade(config, "head")


def _lock(connection: Connection) -> None:
    """Kept until the transaction ends, however it does."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})


def _find_relations(connection: Connection) -> None:
    """The schema that the relations lie in is there, and they in it: older ledgers had them in the usual one."""
    # Looked for first: the right to make a schema is asked even where it exists.
    if not inspect(connection).has_schema(SCHEMA):
        connection.execute(CreateSchema(SCHEMA))
    if not any(inspect(connection).has_table(name, SCHEMA) for name in (_FIRST, revisions.name)):
        for name in _UNVERSIONED:
            if _is_ours(connection, name):
                connection.execute(text(f'ALTER TABLE "{name}" SET SCHEMA {SCHEMA}'))
    connection.execute(text(f"SET LOCAL search_path TO {SCHEMA}"))


def _is_ours(connection: Connection, name: str) -> bool:
    """Return whether the usual schema has a relation with that name and no column that ours has not."""
    if not _has(connection, name):
        return False
    return {column["name"] for column in inspect(connection).get_columns(name)} <= _UNVERSIONED[name]


def _has(connection: Connection, name: str) -> bool:
    return inspect(connection).has_table(name)


def _keep_copy(ledger: Path) -> None:
    """What an upgrade is undone with. The transaction has written nothing yet, so the file is the old ledger."""
    copy = ledger.with_name(f"{ledger.stem}-before-{HEAD}.db")
    making = copy.with_suffix(".part")
    try:
        making.unlink(missing_ok=True)
        source, target = sqlite3.connect(ledger), sqlite3.connect(making)
        try:
            source.backup(target)
        finally:
            target.close()
            source.close()
        sync_file(making)
        publish(making, copy)
    except (sqlite3.Error, OSError) as error:
        making.unlink(missing_ok=True)
        raise StorageTrouble(f"{copy}: the ledger is not upgraded without a copy of it: {error}") from error
