"""Random commits, compactions, sweeps and ends of history against a plain model: what is kept is told as it was.

DuckDB's classes are named in no annotation here: hypothesis keeps functions and what they are annotated with alive.
"""

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from market_data.domain.errors import ConfigurationError
from market_data.domain.partition import Partition
from market_data.ledger.schema import files, revisions
from market_data.warehouse.compaction import Limits, compact, months
from market_data.warehouse.sql import connect
from market_data.warehouse.store import Warehouse
from market_data_tests.partition_view import trade
from market_data_tests.partitions import days, put
from market_data_tests.places import warehouse_on
from market_data_tests.warehouse_invariants import assert_sound

DAY_NS = 24 * 60 * 60 * 10**9
DATES = days("2024-01-30", 4)
WRITES = st.tuples(st.just("write"), st.integers(0, len(DATES) - 1), st.lists(st.integers(1, 3), max_size=2))
STEPS = st.one_of(
    WRITES, WRITES, WRITES, st.just(("compact",)), st.just(("sweep",)), st.tuples(st.just("end"), st.integers(0, 9))
)
Rows = dict[int, tuple[int, ...]]
"""Prices by the number of the day."""


class Model:
    """What counted after each commit."""

    def __init__(self) -> None:
        self.after: list[Rows] = [{}]
        self.since = 0

    def write(self, day: int, prices: tuple[int, ...]) -> None:
        if self.after[-1].get(day) != prices:
            self.after.append({**self.after[-1], day: prices})

    def end(self, through: int) -> None:
        """What was superseded up to a commit is not kept: a commit supersedes where its day had rows before."""
        past = range(1, min(through, len(self.after) - 1) + 1)
        ended = [n for n in past if any(self.after[n - 1].get(d, p) != p for d, p in self.after[n].items())]
        self.since = max([self.since, *ended])

    def rows(self, number: int) -> list[tuple[int, int]]:
        return sorted((day, price) for day, prices in self.after[number].items() for price in prices)


def do(warehouse: Warehouse, model: Model, step: tuple[Any, ...]) -> None:
    match step:
        case ("write", day, prices):
            rows = [trade(n, ts_event=n, price=str(price)) for n, price in enumerate(prices)]
            put(warehouse, "trades", Partition("f", DATES[day], "S"), rows)
            model.write(day, tuple(prices))
        case ("compact",):
            for month in months(warehouse.ledger, Limits(dt.date(2024, 6, 1))):
                assert compact(warehouse, month).left_out == ()
        case ("sweep",):
            with warehouse.ledger.writing() as connection:
                aged = update(files).where(files.c.unreferenced_ns.is_not(None)).values(unreferenced_ns=1)
                connection.execute(aged)
            warehouse.sweep()
        case _:
            through = step[1]
            old = update(revisions).where(revisions.c.superseded_in <= through)
            with warehouse.ledger.writing() as connection:
                connection.execute(old.values(superseded_ns=revisions.c.superseded_in))
            warehouse.sweep(DAY_NS)
            model.end(through)


def told(warehouse: Warehouse, number: int) -> list[tuple[int, int]] | str:
    """The rows as of a commit as the model has them; or in words why they are not told."""
    try:
        with connect(warehouse, number) as connection:
            found = connection.execute("SELECT date, price::INT FROM trades ORDER BY ALL").fetchall()
    except ConfigurationError as error:
        return str(error)
    return [(DATES.index(day), price) for day, price in found]


@settings(max_examples=15, deadline=None)
@given(steps=st.lists(STEPS, min_size=3, max_size=10))
def test_whatever_is_kept_is_told_as_it_was(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder, warehouse_on("folder", Path(folder)) as warehouse:
        model = Model()
        for step in steps:
            do(warehouse, model, step)
        assert warehouse.ledger.last_commit == len(model.after) - 1
        for number in range(model.since):
            assert f"since commit {model.since}" in told(warehouse, number)
        for number in range(model.since, len(model.after)):
            assert told(warehouse, number) == model.rows(number)
        assert_sound(warehouse)
