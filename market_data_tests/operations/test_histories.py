"""Random histories of a home against a plain model: what was true after a commit is told for ever, or an error is.

Commits, the same rows again, kills on the way, losses, compactions, sweeps, ends of history, moves to another machine
by backup and restore. DuckDB's classes are named in no annotation here: hypothesis keeps those alive.
"""

import datetime as dt
import random
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from market_data.domain.errors import ConfigurationError, WarehouseDamaged
from market_data.domain.partition import Partition
from market_data.domain.time import NS_PER_DAY, NS_PER_HOUR, day_start
from market_data.ledger.reader import state_of
from market_data.ledger.schema import files, revisions
from market_data.operations.backup.make import Options, back_up
from market_data.operations.backup.restore import restore
from market_data.pipeline.workspace import Workspace, opened
from market_data.warehouse.compaction import Limits, compact, months
from market_data.warehouse.sql import connect
from market_data_tests.feeds import settings_of, simulated
from market_data_tests.partition_view import trade
from market_data_tests.partitions import days, put
from market_data_tests.warehouse_invariants import age, assert_sound

DATES = days("2024-01-30", 4)
WHICH, PRICES = st.integers(0, len(DATES) - 1), st.lists(st.integers(1, 3), max_size=2)
WRITES = st.tuples(st.just("write"), WHICH, PRICES)
KILLS = st.tuples(st.just("kill"), WHICH, PRICES, st.sampled_from(["before", "in", "after"]))
LOSSES = st.tuples(st.just("lose"), WHICH, st.sampled_from(["bit", "cut", "gone"]))
OTHERS = st.sampled_from([("compact",), ("sweep",), ("restore",)])
STEPS = st.one_of(WRITES, WRITES, WRITES, KILLS, LOSSES, OTHERS, OTHERS, st.tuples(st.just("end"), st.integers(0, 9)))
Rows = dict[int, tuple[int, ...]]
"""Prices by the number of the day."""


class Killed(BaseException):
    """The process ends here."""


class History:
    """A home that things happen to, and what counted after each commit.

    Attributes:
        hurt: days of which a file was damaged or removed at some time: their rows may be told, or an error.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = 0
        self._open = ExitStack()
        self.workspace = self._opened()
        self.after: list[Rows] = [{}]
        self.since = 0
        self.hurt: set[int] = set()

    def _opened(self) -> Workspace:
        home = self.folder / str(self.home)
        home.mkdir(exist_ok=True)
        return self._open.enter_context(opened(settings_of(home, {"f": simulated()})))

    def close(self) -> None:
        self._open.close()

    def do(self, step: tuple[Any, ...]) -> None:
        getattr(self, step[0])(*step[1:])

    def write(self, day: int, prices: list[int]) -> None:
        start = day_start(DATES[day])
        rows = [trade(n, ts_event=start + n * NS_PER_HOUR, price=str(price)) for n, price in enumerate(prices)]
        put(self.workspace.warehouse, "trades", Partition("f", DATES[day], "S"), rows)
        self._wrote(day, prices)

    def _wrote(self, day: int, prices: list[int]) -> None:
        if self.after[-1].get(day) != tuple(prices):
            self.after.append({**self.after[-1], day: tuple(prices)})

    def kill(self, day: int, prices: list[int], where: str) -> None:
        """A writer dies before its commit, in its transaction or right after it; another process goes on."""
        ledger, commit, before = self.workspace.ledger, self.workspace.ledger.commit, len(self.after)

        def die(*_: Any) -> None:
            raise Killed

        def last(*given: Any) -> Any:
            if where == "after":
                commit(*given)
            elif where == "in":
                commit(given[0], die)
            raise Killed

        ledger.commit = last  # pyright: ignore[reportAttributeAccessIssue]
        try:
            self.write(day, prices)
        except Killed:
            del self.after[before:]
            if where == "after":
                self._wrote(day, prices)
        self.close()
        self.workspace = self._opened()

    def lose(self, day: int, how: str) -> None:
        """The file that a day is read from comes to harm, and with it every day of its month."""
        warehouse = self.workspace.warehouse
        current = warehouse.current("trades", Partition("f", DATES[day], "S"))
        if current is None or not warehouse.is_whole(current):
            return
        path = warehouse.root / current.path
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 4
        path.unlink()
        if how != "gone":
            path.write_bytes(content if how == "bit" else content[:-9])
        same = [r for each in range(len(DATES)) for r in warehouse.ledger.history("trades", self._place(each))]
        self.hurt |= {DATES.index(r.partition.date) for r in same if r.path == current.path}

    def _place(self, day: int) -> Partition:
        return Partition("f", DATES[day], "S")

    def compact(self) -> None:
        for month in months(self.workspace.ledger, Limits(dt.date(2024, 6, 1))):
            compact(self.workspace.warehouse, month)

    def sweep(self) -> None:
        age(self.workspace.warehouse)
        with self.workspace.ledger.writing() as connection:
            connection.execute(update(files).where(files.c.unreferenced_ns.is_not(None)).values(unreferenced_ns=1))
        self.workspace.warehouse.sweep()

    def restore(self) -> None:
        """Life goes on on another machine, from a backup."""
        target = self.folder / f"backup-{self.home}"
        identity = self.workspace.ledger.identity
        back_up(self.workspace, target, Options(allow_lost=True), lambda *_: None)
        self.close()
        self.home += 1
        self.workspace = self._opened()
        restore(self.workspace, target, lambda *_: None)
        assert self.workspace.ledger.identity != identity

    def end(self, through: int) -> None:
        """What was superseded up to a commit is kept no more: a commit supersedes where its day had rows before."""
        c = revisions.c
        with self.workspace.ledger.writing() as connection:
            old = update(revisions).where(c.superseded_in <= through, c.state == "superseded")
            connection.execute(old.values(superseded_ns=c.superseded_in))
        self.workspace.warehouse.sweep(NS_PER_DAY)
        with self.workspace.ledger.reader() as reader:
            since = state_of(reader).history_since
        assert self.since <= since <= max(self.since, through)
        self.since = since

    def must_tell(self, number: int) -> None:
        """Ask in several ways what counted after a commit."""
        warehouse = self.workspace.warehouse
        if number < self.since:
            with pytest.raises(ConfigurationError, match=f"since commit {self.since}"), connect(warehouse, number):
                pass
            return
        state = self.after[number]
        by_day = {day: list(prices) for day, prices in state.items() if prices}
        for day, date in enumerate(DATES):
            query = f"SELECT price::INT FROM trades WHERE date = '{date}' ORDER BY ordinal"
            self._ask(number, query, [(price,) for price in by_day.get(day, [])], {day})
        counts = [(DATES[day], len(prices)) for day, prices in sorted(by_day.items())]
        whole = set(range(len(DATES)))
        self._ask(number, "SELECT date, count(*) FROM trades GROUP BY 1 ORDER BY 1", counts, whole)
        total, last = sum(n for _, n in counts), max((date for date, _ in counts), default=None)
        self._ask(number, "SELECT count(*), max(date) FROM trades WHERE symbol LIKE 'S%'", [(total, last)], whole)
        late = [(day, price) for day, prices in sorted(by_day.items()) for price in prices[:1] if day >= 2]
        query = f"SELECT min(price)::INT FROM trades WHERE ts_event >= '{DATES[2]}' AND ordinal = 0 HAVING count(*) > 0"
        self._ask(number, query, [(min(price for _, price in late),)] if late else [], {2, 3})

    def _ask(self, number: int, query: str, expected: list[Any], about: set[int]) -> None:
        try:
            with connect(self.workspace.warehouse, number) as connection:
                found = connection.execute(query).fetchall()
        except WarehouseDamaged:
            assert about & self.hurt, f"{query} as of {number} needs nothing that was hurt"
        else:
            assert found == expected, (query, number)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, min_size=4, max_size=10), seed=st.integers(0, 99))
def test_what_was_true_after_a_commit_is_told_for_ever_or_an_error_is(steps: list[tuple[Any, ...]], seed: int) -> None:
    moment = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder))
        try:
            for step in steps:
                history.do(step)
                history.must_tell(moment.randrange(len(history.after)))
            for number in range(len(history.after)):
                history.must_tell(number)
            assert history.workspace.ledger.last_commit == len(history.after) - 1
            if not history.hurt:
                assert_sound(history.workspace.warehouse, orphans=True)
        finally:
            history.close()
