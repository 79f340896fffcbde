"""When a market trades, by exchange-calendars; `24/7` needs no library. No deadlines, no freshness."""

import datetime as dt
from functools import lru_cache
from typing import Any

from market_data.domain.time import day_bounds

ALWAYS = "24/7"


def check_calendar(name: str) -> str:
    """Return the name itself, if it is a calendar.

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
    """Return whether the market trades at any minute of the UTC day [00:00, 24:00)."""
    return bool(sessions(calendar, day))


@lru_cache(maxsize=4_096)
def sessions(calendar: str, day: dt.date) -> tuple[tuple[int, int], ...]:
    """Return when the market trades within the UTC day: half-open intervals, ns since the epoch, in order.

    Each is of one session, even where the next begins as it ends; a break that the calendar knows (a lunch hour) parts
    a session in two.
    """
    start, end = day_bounds(day)
    if calendar == ALWAYS:
        return ((start, end),)
    near = _sessions(calendar, day.year).schedule.loc[str(day - dt.timedelta(days=3)) : str(day + dt.timedelta(days=3))]
    times = near[["open", "break_start", "break_end", "close"]].itertuples(index=False)
    intervals = [interval for opened, *pause, closed in times for interval in _parted(opened, pause, closed)]
    clipped = [(max(start, opened), min(end, closed)) for opened, closed in intervals]
    return tuple((opened, closed) for opened, closed in clipped if opened < closed)


def _parted(opened: Any, pause: list[Any], closed: Any) -> list[tuple[int, int]]:
    """Return a session, or what is left of it before and after its break; ns since the epoch."""
    times = [each.as_unit("ns").value for each in (opened, *pause, closed) if each == each]  # noqa: PLR0124  no NaT
    return list(zip(times[::2], times[1::2], strict=True))
