"""When a market trades, by exchange-calendars; `24/7` needs no library. No deadlines, no freshness."""

import datetime as dt
from functools import lru_cache
from typing import Any

ALWAYS = "24/7"


def check_calendar(name: str) -> str:
    """The name itself, if it is a calendar.

    Raises:
        ValueError: it is not one.
    """
    if name != ALWAYS:
        import exchange_calendars  # noqa: PLC0415  brings pandas along: only feeds of venues pay for it

        if name not in exchange_calendars.get_calendar_names():
            raise ValueError(f"expected {ALWAYS!r} or a name of exchange-calendars, such as 'CMES' or 'XNYS'")
    return name


@lru_cache(maxsize=32)
def _sessions(name: str, year: int) -> Any:
    import exchange_calendars  # noqa: PLC0415

    # A margin on both sides: a session of Monday may open on Sunday, UTC, and that Sunday may end a year.
    start, end = dt.date(year - 1, 12, 15), dt.date(year + 1, 1, 15)
    return exchange_calendars.get_calendar(name, start=start.isoformat(), end=end.isoformat())


def has_session(calendar: str, day: dt.date) -> bool:
    """Whether the market trades at any minute of the UTC day [00:00, 24:00)."""
    if calendar == ALWAYS:
        return True
    start = dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)
    minutes = _sessions(calendar, day.year).minutes_in_range(start, start + dt.timedelta(minutes=24 * 60 - 1))
    return len(minutes) > 0
