"""When a market trades within a UTC day."""

import datetime as dt

import pytest

from market_data.domain.time import to_datetime
from market_data.settings.calendar import has_session, sessions


@pytest.mark.parametrize(
    ("calendar", "day", "trades"),
    [
        ("24/7", dt.date(2024, 12, 25), True),
        ("XNYS", dt.date(2024, 1, 15), False),  # Martin Luther King Jr. Day
        ("XNYS", dt.date(2024, 1, 16), True),
        ("XNYS", dt.date(2024, 1, 14), False),  # a Sunday
        ("CMES", dt.date(2024, 1, 14), True),  # Globex opens on Sunday evening
        ("CMES", dt.date(2024, 1, 13), False),  # a Saturday
    ],
)
def test_a_day_has_a_session_if_any_of_its_minutes_is_traded(calendar: str, day: dt.date, trades: bool) -> None:
    assert has_session(calendar, day) is trades


@pytest.mark.parametrize(
    ("calendar", "day", "hours"),
    [
        ("24/7", dt.date(2024, 1, 14), ["00:00-00:00"]),
        ("XNYS", dt.date(2024, 1, 16), ["14:30-21:00"]),
        ("XNYS", dt.date(2024, 7, 3), ["13:30-17:00"]),  # the eve of Independence Day
        ("XNYS", dt.date(2024, 1, 15), []),
        ("XTKS", dt.date(2024, 1, 16), ["00:00-02:30", "03:30-06:00"]),  # a lunch hour
        ("CMES", dt.date(2024, 1, 14), ["23:00-00:00"]),
        ("CMES", dt.date(2024, 1, 17), ["00:00-23:00", "23:00-00:00"]),  # two sessions, one ends as the other begins
    ],
)
def test_sessions_are_cut_to_the_day_and_parted_by_breaks(calendar: str, day: dt.date, hours: list[str]) -> None:
    found = [f"{to_datetime(start):%H:%M}-{to_datetime(end):%H:%M}" for start, end in sessions(calendar, day)]
    assert found == hours
