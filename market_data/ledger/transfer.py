"""The rows of a ledger into another one, which is empty: whatever the engines of the two are. No files are moved."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Connection, MetaData, Table, delete, func, insert, select
from sqlalchemy.types import JSON

from market_data.domain.errors import ConfigurationError, WarehouseDamaged
from market_data.ledger.ledger import Ledger, renew_identity
from market_data.ledger.schema import ledger_state, metadata

_AT_ONCE = 1_000


def transfer(source: Ledger, target: Ledger, *, renewed: bool = False) -> Mapping[str, int]:
    """Copy every row, ids included, as of one instant and in one transaction; how many there were of each relation.

    Args:
        renewed: whether the target becomes another ledger, whose commits to come are not those of the source.

    Raises:
        ConfigurationError: the target has rows already. Nothing is changed then, and neither after a crash.
        WarehouseDamaged: another number of rows arrived.
    """
    with source.instant() as reading, target.writing() as writing:
        if full := rows_in(writing):
            name, count = next(iter(full.items()))
            raise ConfigurationError(
                f"the ledger to copy into is not empty ({name} has {count:,} rows): nothing was done"
            )
        writing.execute(delete(ledger_state))
        counts = {relation.name: _copy(relation, reading, writing) for relation in metadata.sorted_tables}
        if renewed:
            renew_identity(writing)
        return {name: count for name, count in counts.items() if name != ledger_state.name}


def rows_in(connection: Connection) -> dict[str, int]:
    """Return how many rows each relation has, those that are empty left out; every ledger has its state."""
    relations = [relation for relation in metadata.sorted_tables if relation is not ledger_state]
    counts = {relation.name: _count(connection, relation) for relation in relations}
    return {name: count for name, count in counts.items() if count}


def _copy(relation: Table, reading: Connection, writing: Connection) -> int:
    relation = _exact(relation)
    query = select(relation).order_by(*relation.primary_key)
    copied = 0
    for rows in reading.execution_options(yield_per=_AT_ONCE).execute(query).mappings().partitions():
        writing.execute(insert(relation), [dict(row) for row in rows])
        copied += len(rows)
    if (arrived := _count(writing, relation)) != copied:
        raise WarehouseDamaged(
            f"{relation.name}: {copied:,} rows were read and {arrived:,} arrived: nothing was changed"
        )
    _go_on_after_the_last(relation, writing)
    return copied


def _exact(relation: Table) -> Table:
    """Return the relation, with what is absent from a JSON column staying absent, instead of becoming JSON's `null`."""
    twin = relation.to_metadata(MetaData())
    for column in twin.columns:
        if isinstance(column.type, JSON):
            column.type = JSON(none_as_null=True)
    return twin


def _count(connection: Connection, relation: Table) -> int:
    return connection.execute(select(func.count()).select_from(relation)).scalar_one()


def _go_on_after_the_last(relation: Table, writing: Connection) -> None:
    """PostgreSQL's sequences know nothing of ids that were given; SQLite takes the highest by itself."""
    numbered: Column[Any] = next(iter(relation.primary_key))
    if writing.dialect.name != "postgresql" or numbered.autoincrement is not True:
        return
    schemas: Mapping[str | None, str] = writing.get_execution_options().get("schema_translate_map") or {}
    schema = schemas.get(relation.schema, relation.schema)
    sequence = func.pg_get_serial_sequence(
        relation.name if schema is None else f"{schema}.{relation.name}", numbered.name
    )
    last = select(func.max(numbered)).scalar_subquery()
    writing.execute(select(func.setval(sequence, func.coalesce(last, 1), last.is_not(None))))
