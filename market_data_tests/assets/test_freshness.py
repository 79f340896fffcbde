"""When Dagster calls a feed stale: after the grace of its own trading days, and never on the others'."""

import datetime as dt
from pathlib import Path

import pytest
from dagster._core.definitions.freshness import CronFreshnessPolicy

from market_data.assets.freshness import policy
from market_data.settings.calendar import has_session
from market_data_tests.feeds import settings_of, simulated

TODAY = dt.date(2024, 3, 20)


def cron(folder: Path, calendar: str, due_after_hours: float) -> tuple[str, dt.timedelta]:
    stanza = simulated(calendar=calendar, due_after_hours=due_after_hours, end=None)
    found = policy(settings_of(folder, {"sim": stanza}).feeds["sim"], TODAY)
    assert isinstance(found, CronFreshnessPolicy)
    return found.deadline_cron, found.lower_bound_delta


@pytest.mark.parametrize(
    ("calendar", "hours", "deadline", "window_hours"),
    [
        ("24/7", 12, "0 12 * * *", 12),
        ("24/7", 9.5, "30 9 * * *", 9.5),
        ("24/7", 30, "0 6 * * *", 24),
        ("XNYS", 12, "0 12 * * 2,3,4,5,6", 12),  # Monday to Friday are due on Tuesday to Saturday
        ("XNYS", 36, "0 12 * * 0,3,4,5,6", 24),
        ("CMES", 12, "0 12 * * 1,2,3,4,5,6", 12),  # Sunday's evening belongs to a session; Saturday has none
    ],
)
def test_a_deadline_follows_each_day_that_usually_trades(
    tmp_path: Path, calendar: str, hours: float, deadline: str, window_hours: float
) -> None:
    found, window = cron(tmp_path, calendar, hours)
    assert sorted(found.split()[-1].split(",")) == sorted(deadline.rsplit(maxsplit=1)[-1].split(","))
    assert found.split()[:4] == deadline.split()[:4]
    assert window == dt.timedelta(hours=window_hours)


def test_the_futures_calendar_has_sunday_evenings_and_no_saturdays() -> None:
    assert has_session("CMES", dt.date(2024, 3, 17))
    assert not has_session("CMES", dt.date(2024, 3, 16))


def test_no_grace_is_a_minute(tmp_path: Path) -> None:
    assert cron(tmp_path, "24/7", 0) == ("1 0 * * *", dt.timedelta(minutes=1))


def test_a_feed_that_has_ended_is_never_stale(tmp_path: Path) -> None:
    assert policy(settings_of(tmp_path, {"sim": simulated()}).feeds["sim"], TODAY) is None
