"""Whether the configuration loads, and whether it goes on to: feeds that go on grow until they are refused."""

import datetime as dt
from collections.abc import Iterator

from market_data.operations.health._probe import DEGRADED, HEALTHY, Probe, Scope, Verdict
from market_data.settings.keyspace import full_on

NOTICE = dt.timedelta(days=180)
"""How long before a feed has too many partitions this is told: its refusal stops every other feed as well."""


class _Configuration:
    needs = ()

    def look(self, scope: Scope) -> Iterator[Verdict]:
        feeds, path = scope.feeds, scope.settings.config_path
        words = f"{path} loads; feeds: {len(feeds)}" if scope.only is None else f"{path} has {scope.only}"
        yield Verdict("configuration", HEALTHY, words, figures={"feeds": [feed.name for feed in feeds]})
        yield from _nearly_full(scope)


def _nearly_full(scope: Scope) -> Iterator[Verdict]:
    limit = scope.settings.partitions_per_feed
    for feed in scope.feeds:
        day = full_on(feed, limit)
        if day is not None and day <= scope.now.date() + NOTICE:
            yield Verdict(
                f"configuration {feed.name}",
                DEGRADED,
                f"from {day} on it has more than {limit:,} partitions, and no configuration that holds it loads",
                "split its symbols over several feeds before that day, or raise MARKET_DATA_PARTITIONS_PER_FEED",
                figures={"full_on": day.isoformat(), "partitions_per_feed": limit},
            )


PROBE: Probe = _Configuration()
