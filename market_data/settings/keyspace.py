"""How many partitions a feed has, how many it may have, and the stanzas that split a larger one. Nothing is read here.

Why there is a limit at all, with figures: docs/sizing.md.
"""

import datetime as dt
from collections.abc import Mapping

import yaml

from market_data.settings.model import Feed


def partition_count(feed: Feed, today: dt.date) -> int:
    """Return how many days by symbols the feed has on the UTC day `today`."""
    return _days(feed, today) * len(feed.symbols)


def full_on(feed: Feed, limit: int) -> dt.date | None:
    """Return the UTC day on which a feed that goes on has more than `limit` partitions; None for one that ends."""
    if feed.end is not None:
        return None
    # A day can exist once it is over, so the first day counts on the second.
    days = limit // len(feed.symbols) + 1
    return None if days > (dt.date.max - feed.start).days else feed.start + dt.timedelta(days=days)


def too_large(feed: Feed, limit: int, today: dt.date) -> str | None:
    """Return why the feed is refused and how to split it; None where it has at most `limit` partitions."""
    if (count := partition_count(feed, today)) <= limit:
        return None
    groups = split(feed, limit, today)
    first, *others = groups
    others_told = ", ".join(f"{name} from {next(iter(groups[name]))}" for name in (*others[:3], *others[3:][-1:]))
    return (
        f"{len(feed.symbols):,} symbols by {_days(feed, today):,} days are {count:,} partitions; expected at most "
        f"{limit:,}, because Dagster's web interface is slow beyond (docs/sizing.md). Split the symbols over "
        f"{len(groups)} feeds, with the other keys as they are:\n"
        f"{_stanza(feed, first, groups[first])}"
        f"and likewise {others_told}; or allow more by MARKET_DATA_PARTITIONS_PER_FEED"
    )


def split(feed: Feed, limit: int, today: dt.date) -> Mapping[str, dict[str, str]]:
    """Return the symbols of each of the feeds that replace one, in order of name.

    Each is at most half full, so that a feed that goes on does so for as long again as it has been; a feed of few
    symbols is not split further than into single ones.
    """
    size = max(1, limit // (2 * max(1, _days(feed, today))))
    names = sorted(feed.symbols)
    starts = range(0, len(names), size)
    return {
        f"{feed.name}_{number}": {name: feed.symbols[name] for name in names[start : start + size]}
        for number, start in enumerate(starts, 1)
    }


def _days(feed: Feed, today: dt.date) -> int:
    return max(0, (feed.last_day(today) - feed.start).days + 1)


def _stanza(feed: Feed, name: str, symbols: dict[str, str]) -> str:
    """Only keys that every feed has: options may hold what is better not repeated in an error."""
    named = list(symbols) if all(ours == vendors for ours, vendors in symbols.items()) else symbols
    shown = yaml.safe_dump(named, default_flow_style=True, width=100, indent=6, sort_keys=False).strip()
    shown = shown.replace("\n", "\n      ")
    end = "" if feed.end is None else f"    end: {feed.end}\n"
    tables = yaml.safe_dump(list(feed.tables), default_flow_style=True, width=1_000).strip()
    head = f"  {name}:\n    source: {feed.source}\n    tables: {tables}\n    start: {feed.start}\n"
    return f"{head}{end}    symbols: {shown}\n"
