"""Reading the ledger in plain SQL by SQLAlchemy's engine: for programs that have it anyway. No query stands here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine

from market_data.ledger.database import SCHEMA, reading, waited_for
from market_data.ledger.plain_reader import postgres_marks
from market_data.ledger.reader import Rows


@dataclass(frozen=True, slots=True)
class TransactionReader:
    """See `ledger.reader.Reader`: its answers are as of the instant of the connection's transaction."""

    connection: Connection

    def __post_init__(self) -> None:
        """Have the relations found by their plain names."""
        if self.connection.dialect.name == "postgresql":
            self.connection.exec_driver_sql(f"SET LOCAL search_path TO {SCHEMA}")

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Rows:
        """See `Reader`."""
        marked = postgres_marks(sql) if self.connection.dialect.name == "postgresql" else sql
        return self.connection.exec_driver_sql(marked, tuple(values)).fetchall()


@dataclass(frozen=True, slots=True)
class EngineReader:
    """See `ledger.reader.Reader`: each answer is of an instant of its own; a server that is away is waited for."""

    engine: Engine

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Rows:
        """See `Reader`."""

        def read() -> Rows:
            with reading(self.engine) as connection:
                return TransactionReader(connection).rows(sql, values)

        return waited_for(read)
