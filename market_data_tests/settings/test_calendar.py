"""When a market trades within a UTC day."""

import datetime as dt

import pytest

from market_data.settings.calendar import has_session


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
