"""Transactions that take turns: what one reads before it writes stays true until it has written. No queries."""

from sqlalchemy import DDL, Connection, Table


def take_turn(connection: Connection, relation: Table) -> None:
    """Wait until no other transaction has its turn with a relation, and have it until this one ends.

    Readers are not held up. To be called first: what was read before may have changed since.
    """
    if connection.dialect.name == "postgresql":  # on SQLite every writer has taken turns since it began
        connection.execute(DDL("LOCK TABLE %(fullname)s IN SHARE ROW EXCLUSIVE MODE").against(relation))
