"""Which partitions were asked to be made again, how often, and whether that mended them. It chooses none."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Engine, and_, func, insert, select, tuple_, update

from market_data.domain.partition import Partition
from market_data.ledger.database import reading
from market_data.ledger.schema import repairs


@dataclass(frozen=True, slots=True)
class Tries:
    """What was tried for a partition since it was last whole.

    Attributes:
        reasons: why, oldest first, one a try.
        last_ns: when it was tried last, ns since the epoch, UTC.
    """

    reasons: tuple[str, ...]
    last_ns: int


@dataclass(frozen=True, slots=True)
class Repairs:
    """The repairs of one ledger."""

    engine: Engine

    def tries(self, feed: str) -> Mapping[Partition, Tries]:
        """Return the tries of partitions that are not mended yet."""
        c, found = repairs.c, dict[Partition, Tries]()
        query = select(c.symbol, c.date, c.reason, c.requested_ns).order_by(c.id)
        with reading(self.engine) as connection:
            rows = connection.execute(query.where(c.feed == feed, c.mended_ns.is_(None))).all()
        for symbol, date, reason, requested_ns in rows:
            partition = Partition(feed, date, symbol)
            before = found.get(partition, Tries((), 0))
            found[partition] = Tries((*before.reasons, reason), requested_ns)
        return found

    def since(self, feed: str, ns: int) -> int:
        """Return how many were asked for since then."""
        with reading(self.engine) as connection:
            query = select(func.count()).where(repairs.c.feed == feed, repairs.c.requested_ns >= ns)
            return int(connection.execute(query).scalar_one())

    def enter(self, wanted: Mapping[Partition, str], now_ns: int) -> None:
        """Another try for each of these, with the reason."""
        rows = [
            {"feed": p.feed, "symbol": p.symbol, "date": p.date, "reason": reason, "requested_ns": now_ns}
            for p, reason in wanted.items()
        ]
        if rows:
            with self.engine.begin() as connection:
                connection.execute(insert(repairs), rows)

    def mended(self, feed: str, partitions: Collection[Partition], now_ns: int) -> None:
        """These are whole again: their next trouble begins to count anew."""
        keys = [(partition.symbol, partition.date) for partition in partitions]
        if keys:
            c = repairs.c
            where = and_(c.feed == feed, c.mended_ns.is_(None), tuple_(c.symbol, c.date).in_(keys))
            with self.engine.begin() as connection:
                connection.execute(update(repairs).where(where).values(mended_ns=now_ns))
