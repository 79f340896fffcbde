"""What is wrong now: late days by the feed's calendar, findings, records set aside; and when it has ended."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from market_data.domain.time import day_start, to_ns
from market_data.operations.watch import late, not_passing, rejecting
from market_data.pipeline.workspace import Workspace, opened
from market_data_tests.feeds import settings_of, simulated
from market_data_tests.partitions import enter, row_of

MONDAY = dt.date(2024, 1, 15)
NOON = dt.datetime(2024, 1, 18, 12, tzinfo=dt.UTC)
"""A Thursday: the days until Wednesday, the 17th, are due."""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    going_on = {"tables": ["trades", "quotes"], "end": None, "symbols": ["AAA-USD", "BBB-USD"]}
    options = {"seed": 1, "trades_per_day": {"AAA-USD": 400}}
    feeds = {
        "sim": simulated(**going_on, options=options),
        "venue": simulated(**going_on, options=options, calendar="XNYS", start="2024-01-05"),
        "ended": simulated(**going_on, options=options) | {"end": "2024-01-15"},
    }
    with opened(settings_of(tmp_path, feeds)) as made:
        yield made


def have(workspace: Workspace, feed: str, table: str, *days: int, **values: Any) -> None:
    """Partitions of these days of January, of both symbols."""
    found = workspace.feed(feed)
    enter(
        workspace.ledger,
        [row_of(table, found.partition(each, dt.date(2024, 1, n)), **values) for n in days for each in found.symbols],
    )


def test_days_that_are_due_and_missing_are_one_cause_a_table(workspace: Workspace) -> None:
    have(workspace, "sim", "trades", 15)
    have(workspace, "sim", "quotes", 15, 16, 17)
    (cause,) = late(workspace, workspace.feed("sim"), NOON)
    assert cause.key == "freshness/sim/trades/-/-"
    assert (cause.severity, len(cause.partitions)) == ("error", 4)
    assert "2024-01-16 to 2024-01-17, AAA-USD, BBB-USD" in cause.text
    assert "market-data ingest sim --start 2024-01-16 --end 2024-01-17" in cause.text
    have(workspace, "sim", "trades", 16, 17)
    assert late(workspace, workspace.feed("sim"), NOON) == []


def test_a_day_is_not_late_before_it_is_due(workspace: Workspace) -> None:
    have(workspace, "sim", "trades", 15, 16)
    have(workspace, "sim", "quotes", 15, 16)
    feed = workspace.feed("sim")
    assert late(workspace, feed, NOON - dt.timedelta(seconds=1)) == []
    assert feed.last_due_day(NOON - dt.timedelta(seconds=1)) == dt.date(2024, 1, 16)
    assert len(late(workspace, feed, NOON)) == 2


def test_three_days_are_critical(workspace: Workspace) -> None:
    have(workspace, "sim", "trades", 15)
    have(workspace, "sim", "quotes", 15)
    causes = late(workspace, workspace.feed("sim"), NOON + dt.timedelta(days=1))
    assert {cause.severity for cause in causes} == {"critical"}


def test_a_feed_that_nobody_has_begun_with_is_not_late(workspace: Workspace) -> None:
    assert late(workspace, workspace.feed("sim"), NOON) == []


def test_weekends_and_holidays_of_a_venue_are_not_late(workspace: Workspace) -> None:
    """2024-01-15 was a holiday in New York, the 13th and 14th a weekend."""
    have(workspace, "venue", "trades", 5, 8, 9, 10, 11, 12)
    have(workspace, "venue", "quotes", 5, 8, 9, 10, 11, 12)
    tuesday_noon = dt.datetime(2024, 1, 16, 12, tzinfo=dt.UTC)
    assert late(workspace, workspace.feed("venue"), tuesday_noon) == []
    assert len(late(workspace, workspace.feed("venue"), tuesday_noon + dt.timedelta(days=1))) == 2


def test_a_feed_that_ended_long_ago_is_not_late(workspace: Workspace) -> None:
    have(workspace, "ended", "trades", 15)
    assert len(late(workspace, workspace.feed("ended"), NOON)) == 1  # quotes of the one day
    assert late(workspace, workspace.feed("ended"), NOON + dt.timedelta(days=30)) == []


def test_findings_of_reports_that_count_are_one_cause_a_check_and_table(workspace: Workspace) -> None:
    bad = {"failing": 2, "failures": [["ohlc", "candles", "error"], ["book", "quotes", "warning"]]}
    have(workspace, "sim", "quality_reports", 15, 16, notes=bad)
    have(workspace, "sim", "quality_reports", 17, notes={"failing": 0, "failures": []})
    causes = {cause.key: cause for cause in not_passing(workspace, workspace.feed("sim"))}
    assert set(causes) == {"finding/sim/candles/-/ohlc", "finding/sim/quotes/-/book"}
    ohlc = causes["finding/sim/candles/-/ohlc"]
    assert (ohlc.severity, len(ohlc.partitions)) == ("error", 4)
    assert "\"check\" = 'ohlc' AND NOT passed" in ohlc.text
    assert not_passing(workspace, workspace.feed("venue")) == []


@pytest.mark.parametrize(("rejected", "threshold", "told"), [(5, 0.05, 0), (6, 0.05, 1), (0, 0.0, 0), (1, 0.0, 1)])
def test_more_records_set_aside_than_may_be_are_a_cause(
    workspace: Workspace, rejected: int, threshold: float, told: int
) -> None:
    account = {"records": 100, "accepted": 100 - rejected, "rejected": rejected}
    have(workspace, "sim", "trades", 15, account=account, committed_ns=to_ns(NOON) - 1)
    long_ago = {"account": {"records": 1, "accepted": 0, "rejected": 1}, "committed_ns": day_start(MONDAY)}
    have(workspace, "sim", "trades", 16, **long_ago)
    causes = rejecting(workspace, workspace.feed("sim"), NOON, threshold)
    assert len(causes) == told
    assert all(cause.key == "rejected_share/sim/trades/-/-" for cause in causes)
