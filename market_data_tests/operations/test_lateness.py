"""Which days are due, and what is late, by calendar and hour."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from market_data.ledger.ledger import Ledger
from market_data.operations.lateness import Lateness, lateness, newest_due
from market_data.settings import Feed
from market_data_tests.databases import ledger_url
from market_data_tests.feeds import settings_of, simulated
from market_data_tests.partitions import enter, row_of


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(ledger_url(tmp_path))


def feed_of(folder: Path, **changes: Any) -> Feed:
    stanza = simulated(tables=["trades"], start="2024-01-08", end=None, **changes)
    return settings_of(folder, {"sim": stanza}).feeds["sim"]


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def trades(ledger: Ledger, feed: Feed, now: str) -> Lateness:
    (found,) = (each for each in lateness(ledger, feed, at(now)) if each.table == "trades")
    return found


def have(ledger: Ledger, feed: Feed, *days: tuple[str, str]) -> None:
    rows = [row_of("trades", feed.partition(symbol, dt.date.fromisoformat(day))) for symbol, day in days]
    enter(ledger, rows)


@pytest.mark.parametrize(
    ("calendar", "now", "expected"),
    [
        ("24/7", "2024-01-18T11:59", "2024-01-16"),
        ("24/7", "2024-01-18T12:00", "2024-01-17"),
        ("24/7", "2024-01-08T13:00", None),
        ("XNYS", "2024-01-15T13:00", "2024-01-12"),  # a Monday, and a holiday
        ("XNYS", "2024-01-16T13:00", "2024-01-12"),
        ("XNYS", "2024-01-17T13:00", "2024-01-16"),
        ("CMES", "2024-01-14T13:00", "2024-01-12"),  # a Sunday: no Saturday was traded
        ("CMES", "2024-01-15T13:00", "2024-01-14"),  # Sunday evening was
    ],
)
def test_a_day_is_due_when_its_hours_have_passed_and_the_market_traded(
    tmp_path: Path, calendar: str, now: str, expected: str | None
) -> None:
    due = newest_due(feed_of(tmp_path, calendar=calendar), at(now))
    assert due == (dt.date.fromisoformat(expected) if expected else None)


def test_a_feed_is_not_late_while_its_market_rests(tmp_path: Path, ledger: Ledger) -> None:
    feed = feed_of(tmp_path, calendar="CMES")
    have(ledger, feed, ("AAA-USD", "2024-01-12"), ("BBB-USD", "2024-01-12"))
    sunday = trades(ledger, feed, "2024-01-14T20:00")
    assert (sunday.behind, sunday.overdue_seconds(at("2024-01-14T20:00"))) == ((), 0.0)
    assert sunday.lag_seconds(at("2024-01-14T20:00")) == 44 * 3600
    monday = trades(ledger, feed, "2024-01-15T13:00")
    assert (monday.behind, monday.missing) == (("AAA-USD", "BBB-USD"), dt.date(2024, 1, 14))
    assert monday.overdue_seconds(at("2024-01-15T13:00")) == 3600


def test_the_symbol_farthest_behind_counts(tmp_path: Path, ledger: Ledger) -> None:
    feed = feed_of(tmp_path)
    have(ledger, feed, ("AAA-USD", "2024-01-16"), ("BBB-USD", "2024-01-14"))
    found = trades(ledger, feed, "2024-01-17T13:00")
    assert (found.newest, found.behind) == (dt.date(2024, 1, 14), ("BBB-USD",))
    assert (found.missing, found.due_at) == (dt.date(2024, 1, 15), at("2024-01-16T12:00"))


def test_a_symbol_without_any_day_is_late_since_the_first(tmp_path: Path, ledger: Ledger) -> None:
    feed = feed_of(tmp_path)
    have(ledger, feed, ("AAA-USD", "2024-01-16"))
    found = trades(ledger, feed, "2024-01-17T13:00")
    assert (found.newest, found.missing, found.behind) == (None, feed.start, ("BBB-USD",))
    assert found.lag_seconds(at("2024-01-17T13:00")) is None


def test_of_a_feed_that_ended_and_was_never_begun_nothing_is_expected(tmp_path: Path, ledger: Ledger) -> None:
    stanza = simulated(tables=["trades"])
    feed = settings_of(tmp_path, {"sim": stanza}).feeds["sim"]
    assert trades(ledger, feed, "2024-02-01T00:00").behind == ()
    assert trades(ledger, feed, "2024-01-17T13:00").behind == ("AAA-USD", "BBB-USD")
    have(ledger, feed, ("AAA-USD", "2024-01-17"))
    assert trades(ledger, feed, "2024-02-01T00:00").behind == ("BBB-USD",)
