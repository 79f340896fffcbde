"""A relation as one of the first steps made it. Ledgers from before there were steps have some of them already."""

from alembic import op
from sqlalchemy import Column, Table, inspect

from market_data.domain.errors import LedgerUnfit


def make_or_complete(relation: Table) -> None:
    """Make a relation; where it is there, add the columns and indexes that it lacks.

    Raises:
        LedgerUnfit: it lacks a column that must have a value in each row.
    """
    connection = op.get_bind()
    relation.create(connection, checkfirst=True)
    there = {column["name"] for column in inspect(connection).get_columns(relation.name)}
    for column in relation.columns:
        if column.name not in there:
            _add(relation.name, column)
    for index in relation.indexes:
        index.create(connection, checkfirst=True)


def _add(name: str, column: Column[object]) -> None:
    if not column.nullable:
        raise LedgerUnfit(
            f"the ledger's relation {name} has no column {column.name}: no version of market-data made it so. Nothing "
            "was changed; put back the newest copy of the ledger"
        )
    op.add_column(name, Column(column.name, column.type, comment=column.comment))
