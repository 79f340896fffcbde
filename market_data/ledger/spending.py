"""What was spent at vendors, and whether more may be: one row a purchase, entered before it is made."""

import datetime as dt
import time
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Engine, func, insert, select

from market_data.domain.errors import OverBudget
from market_data.domain.partition import Partition
from market_data.domain.time import day_bounds
from market_data.ledger.database import reading, take_turn
from market_data.ledger.schema import spending


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a feed may spend, USD; None is without limit."""

    run_usd: float | None
    day_usd: float | None


@dataclass(frozen=True, slots=True)
class Purchase:
    """One purchase; `spent_ns` is when it was entered, ns since the epoch, UTC."""

    cost_usd: float
    what: str
    run_id: str
    spent_ns: int


@dataclass(frozen=True, slots=True)
class Spending:
    """The purchases of one ledger."""

    engine: Engine

    def enter(self, partition: Partition, table: str, run_id: str, usd: float, what: str, allowed: Allowance) -> None:
        """Enter a purchase that is about to be made. Two processes cannot spend the same dollar.

        Raises:
            OverBudget: the run or the day (UTC, by the time of purchase) would cost more than is allowed.
        """
        if usd <= 0:
            return
        now = time.time_ns()
        with self.engine.begin() as connection:
            take_turn(connection, spending)
            self._must_be_allowed(connection, partition.feed, run_id, usd, what, allowed)
            values = {"feed": partition.feed, "symbol": partition.symbol, "date": partition.date, "table_name": table}
            values |= {"run_id": run_id, "cost_usd": usd, "what": what, "spent_ns": now}
            connection.execute(insert(spending).values(values))

    def must_be_allowed(self, feed: str, run_id: str, usd: float, what: str, allowed: Allowance) -> None:
        """Nothing, if so much more may be spent; nothing is entered.

        Raises:
            OverBudget: as `enter`.
        """
        with self.engine.begin() as connection:
            self._must_be_allowed(connection, feed, run_id, usd, what, allowed)

    def of_run(self, feed: str, run_id: str) -> float:
        """Return what a run spent, USD."""
        with reading(self.engine) as connection:
            return _sum(connection, spending.c.feed == feed, spending.c.run_id == run_id)

    def of_day(self, feed: str, day: dt.date) -> float:
        """Return what was spent on a UTC day, USD."""
        with reading(self.engine) as connection:
            return _sum(connection, spending.c.feed == feed, spending.c.spent_ns.between(*_within(day)))

    def of_partition(self, partition: Partition, table: str) -> list[Purchase]:
        """Return what was bought for a table of a partition, oldest first."""
        c = spending.c
        query = select(c.cost_usd, c.what, c.run_id, c.spent_ns).order_by(c.spent_ns, c.id)
        query = query.where(c.feed == partition.feed, c.date == partition.date, c.symbol == partition.symbol)
        with reading(self.engine) as connection:
            return [Purchase(*row) for row in connection.execute(query.where(c.table_name == table))]

    def _must_be_allowed(
        self, connection: Connection, feed: str, run_id: str, usd: float, what: str, allowed: Allowance
    ) -> None:
        today = dt.datetime.now(dt.UTC).date()
        for name, key, limit, where in (
            ("run", "run_usd", allowed.run_usd, spending.c.run_id == run_id),
            ("day", "day_usd", allowed.day_usd, spending.c.spent_ns.between(*_within(today))),
        ):
            if limit is None:
                continue
            spent = _sum(connection, spending.c.feed == feed, where)
            if spent + usd > limit:
                already = f" ({spent:.4f} USD are spent already)" if spent else ""
                raise OverBudget(
                    f"{what} would cost {usd:.4f} USD{already}, and {feed} may spend {limit:g} USD a {name}: nothing "
                    f"was bought. To buy it, raise {key} of the feed's budget, or run `market-data ingest {feed} "
                    "... --allow-cost` (in the UI: allow_cost: true in the run's configuration)"
                )


def _sum(connection: Connection, *where: ColumnElement[bool]) -> float:
    return float(
        connection.execute(select(func.coalesce(func.sum(spending.c.cost_usd), 0.0)).where(*where)).scalar_one()
    )


def _within(day: dt.date) -> tuple[int, int]:
    start, end = day_bounds(day)
    return start, end - 1
