"""Whether there is room for the next day: what the largest of the last days took, in warehouse and landing."""

import shutil
from collections.abc import Iterator

from sqlalchemy import func, select

from market_data.ledger.schema import revisions
from market_data.operations.health._probe import DEGRADED, HEALTHY, UNHEALTHY, Probe, Scope, Verdict
from market_data.pipeline.workspace import Workspace
from market_data.settings import Feed

_RECENT_DAYS = 30
_MARGIN = 3
"""A table is staged twice while it is put in order, and a revision that is replaced is kept."""
_LEAST_BYTES = 1_000_000_000
"""Dagster's own events and logs need room too."""


class _Disk:
    needs = ("ledger",)

    def look(self, scope: Scope) -> Iterator[Verdict]:
        going_on = [feed for feed in scope.feeds if feed.end is None or feed.end >= scope.now.date()]
        day = sum(largest_day_bytes(scope.workspace, feed) for feed in going_on)
        free, needed = shutil.disk_usage(scope.settings.home).free, max(_MARGIN * day, _LEAST_BYTES)
        figures = {"free_bytes": free, "largest_day_bytes": day, "wanted_bytes": needed}
        words = f"{_gb(free)} are free; the largest recent day of the feeds that go on took {_gb(day)}"
        advice = f"make room: {_gb(needed)} let the next day be written ({_MARGIN} times that day, at least 1 GB)"
        if free < max(day, _LEAST_BYTES // 10):
            yield Verdict("disk", UNHEALTHY, words, advice, figures)
        elif free < needed:
            yield Verdict("disk", DEGRADED, words, advice, figures)
        else:
            yield Verdict("disk", HEALTHY, words, figures=figures)


def largest_day_bytes(workspace: Workspace, feed: Feed) -> int:
    """What the largest of a feed's newest days takes, its tables and its landed files."""
    c = revisions.c
    size = func.sum(c.size_bytes)
    query = select(c.date, size).where(c.feed == feed.name).group_by(c.date).order_by(c.date.desc())
    days = workspace.ledger.rows(query.limit(_RECENT_DAYS))
    if not days:
        return 0
    day, warehouse = max(days, key=lambda row: row[1])
    requests = (feed.request(table, feed.partition(symbol, day)) for table in feed.tables for symbol in feed.symbols)
    known = (each for request in requests for each in workspace.landing.known(request))
    return int(warehouse) + sum(each.file.size_bytes for each in known if each.counts)


def _gb(count: int) -> str:
    return f"{count / 1e9:,.2f} GB"


PROBE: Probe = _Disk()
