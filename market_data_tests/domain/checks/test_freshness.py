"""Days that have their data, late ones, missing ones, and days without a session."""

import datetime as dt

import pytest

from market_data.domain.checks.freshness import CHECK
from market_data.domain.ports.check import Finding
from market_data_tests.partition_view import DUE, MemoryView, clean_rows, nothing


def of_trades(view: MemoryView) -> Finding:
    return next(finding for finding in CHECK.run(view) if finding.table == "trades")


def test_data_that_came_in_time_passes_with_the_hours_it_took():
    finding = of_trades(MemoryView(clean_rows()))
    assert (finding.passed, finding.severity, finding.measured) == (True, "info", 9.0)
    assert finding.detail == {
        "session": True,
        "unit": "hours after the day's end",
        "rows": 6,
        "due_at": "2024-05-09T12:00:00.000000000Z",
        "first_committed_at": "2024-05-09T09:00:00.000000000Z",
        "late": False,
    }


def test_data_that_came_late_is_there_by_now():
    finding = of_trades(MemoryView(clean_rows(), first_committed_at=DUE + dt.timedelta(days=365)))
    assert finding.passed
    assert finding.severity == "info"
    assert finding.detail["late"] is True


def test_a_missing_session_day_fails_and_says_when_it_was_due():
    finding = of_trades(MemoryView({}))
    assert (finding.passed, finding.severity) == (False, "error")
    assert finding.detail["note"] == "missing; it was due at 2024-05-09T12:00:00.000000000Z"


@pytest.mark.parametrize("rows", [{}, {"trades": nothing("trades")}])
def test_a_day_without_a_session_needs_no_data(rows: dict):
    finding = of_trades(MemoryView(rows, has_session=False))
    assert (finding.passed, finding.severity) == (True, "info")
    assert finding.detail["note"] == "no session on this day"


def test_a_session_day_without_data_came_all_the_same():
    finding = of_trades(MemoryView({"trades": nothing("trades")}))
    assert (finding.passed, finding.detail["rows"]) == (True, 0)


def test_only_the_feeds_own_tables_are_judged():
    view = MemoryView(clean_rows(), tables=("trades", "candles"))
    assert [finding.table for finding in CHECK.run(view)] == ["trades"]
