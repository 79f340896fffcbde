"""When Dagster calls a feed's assets stale, by the feed's calendar. Whether a single day is missing is not seen here.

Dagster looks at an asset's latest materialization alone, so that a backfill of old days makes it fresh: the policies
are for the UI at a glance, and what counts is which due days lie in the ledger (`market_data.operations.watch`).
"""

import datetime as dt

import dagster as dg

from market_data.settings import Feed
from market_data.settings.calendar import ALWAYS, has_session

_WEEKS = 8
_DAY_MINUTES = 24 * 60


def policy(feed: Feed, today: dt.date) -> dg.FreshnessPolicy | None:
    """After each day that usually has a session the feed's hours of grace, UTC; None for a feed that has ended.

    A deadline is met by what is made from the end of the day before it on. Holidays are no weekday: after one the
    assets show as stale until the next day's data.
    """
    if feed.end is not None and feed.end < today:
        return None
    minutes = max(1, round(feed.due_after_hours * 60))
    later, of_day = divmod(minutes, _DAY_MINUTES)
    weekdays = sorted((weekday + 1 + later) % 7 for weekday in _trading_weekdays(feed.calendar, today))
    if not weekdays:
        return None
    # Cron counts from Sunday, Python from Monday.
    named = "*" if len(weekdays) == 7 else ",".join(str((day + 1) % 7) for day in weekdays)  # noqa: PLR2004
    cron = f"{of_day % 60} {of_day // 60} * * {named}"
    return dg.FreshnessPolicy.cron(cron, dt.timedelta(minutes=min(minutes, _DAY_MINUTES)))


def _trading_weekdays(calendar: str, today: dt.date) -> set[int]:
    """Return the weekdays of UTC days, Monday is 0, most of which had a session in the last weeks."""
    if calendar == ALWAYS:
        return set(range(7))
    days = [today - dt.timedelta(days=n) for n in range(_WEEKS * 7)]
    counts = dict.fromkeys(range(7), 0)
    for day in days:
        counts[day.weekday()] += has_session(calendar, day)
    return {weekday for weekday, count in counts.items() if count > _WEEKS // 2}
