"""Days, instants and their one representation: int64 nanoseconds since the epoch, UTC. No calendars, no clocks."""

import datetime as dt

NS_PER_SECOND = 1_000_000_000
NS_PER_MINUTE = 60 * NS_PER_SECOND
NS_PER_HOUR = 60 * NS_PER_MINUTE
NS_PER_DAY = 24 * NS_PER_HOUR
_EPOCH = dt.date(1970, 1, 1)


def day_start(day: dt.date) -> int:
    """Return the first instant of a UTC day, ns since the epoch."""
    return (day - _EPOCH).days * NS_PER_DAY


def day_bounds(day: dt.date) -> tuple[int, int]:
    """Return the half-open interval [start, end) of a UTC day, ns since the epoch."""
    start = day_start(day)
    return start, start + NS_PER_DAY


def to_ns(moment: dt.datetime) -> int:
    """Return an aware datetime as ns since the epoch.

    Raises:
        ValueError: the datetime has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    delta = moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (delta.days * 86_400 + delta.seconds) * NS_PER_SECOND + delta.microseconds * 1_000


def to_datetime(ns: int) -> dt.datetime:
    """Return an instant as an aware UTC datetime, cut (not rounded) to microseconds."""
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=ns // 1_000)


def parse_instant(text: str) -> dt.datetime:
    """Return an ISO 8601 date or time as an aware UTC datetime; without a zone it is UTC.

    A bare date is its first instant.

    Raises:
        ValueError: the text is not ISO 8601.
    """
    moment = dt.datetime.fromisoformat(text)
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)


def days_between(start: dt.date, end: dt.date) -> list[dt.date]:
    """Return every day from start to end, both included."""
    return [start + dt.timedelta(days=n) for n in range((end - start).days + 1)]
