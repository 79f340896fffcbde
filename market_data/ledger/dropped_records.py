"""Records in quarantine that somebody looked at and does not want: a note beside the record, which stays where it is.

A note is of the record's content and place: if the vendor's file changes, it fits the new record no longer. No record
is removed here, so that the account of rejected and quarantined records adds up whatever is dropped.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Engine, and_, delete, insert, select

from market_data.domain.partition import Partition
from market_data.ledger.database import reading, take_turn
from market_data.ledger.schema import dropped


@dataclass(frozen=True, slots=True)
class Dropped:
    """The notes of one ledger. A digest is that of `domain.tables.quarantine.digests`."""

    engine: Engine

    def of(self, partition: Partition) -> dict[str, str]:
        """Return why records of the partition were dropped, by digest."""
        with reading(self.engine) as connection:
            query = select(dropped.c.digest, dropped.c.why).where(_within(partition))
            return {row.digest: row.why for row in connection.execute(query)}

    def drop(self, partition: Partition, digests: Collection[str], why: str) -> int:
        """Note that these records are not wanted; how many were not noted before."""
        now = time.time_ns()
        key = {"feed": partition.feed, "symbol": partition.symbol, "date": partition.date}
        with self.engine.begin() as connection:
            take_turn(connection, dropped)
            known = set(connection.execute(select(dropped.c.digest).where(_within(partition))).scalars())
            rows = [{**key, "digest": digest, "why": why, "dropped_ns": now} for digest in sorted(set(digests) - known)]
            if rows:
                connection.execute(insert(dropped), rows)
        return len(rows)

    def undo(self, partition: Partition, digests: Collection[str]) -> int:
        """Take notes back; how many there were."""
        with self.engine.begin() as connection:
            take_turn(connection, dropped)
            known = set(connection.execute(select(dropped.c.digest).where(_within(partition))).scalars())
            found = sorted(known.intersection(digests))
            for digest in found:
                connection.execute(delete(dropped).where(_within(partition), dropped.c.digest == digest))
        return len(found)


def _within(partition: Partition) -> ColumnElement[bool]:
    c = dropped.c
    return and_(c.feed == partition.feed, c.symbol == partition.symbol, c.date == partition.date)
