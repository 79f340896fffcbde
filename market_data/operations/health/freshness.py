"""Whether every feed has the newest day that is due, by its calendar."""

from collections.abc import Iterator

from market_data.operations.health._probe import DEGRADED, HEALTHY, Probe, Scope, Verdict
from market_data.operations.lateness import Lateness, lateness
from market_data.settings import Feed

_NAMED = 5
_HOUR = 3_600


class _Freshness:
    needs = ("ledger",)

    def look(self, scope: Scope) -> Iterator[Verdict]:
        for feed in scope.feeds:
            yield _judged(scope, feed, [*lateness(scope.workspace.ledger, feed, scope.now)])


def _judged(scope: Scope, feed: Feed, found: list[Lateness]) -> Verdict:
    about, expected, late = f"freshness {feed.name}", found[0].expected, [each for each in found if each.behind]
    figures = {
        "expected": expected.isoformat() if expected else None,
        "behind": {each.table: [*each.behind] for each in late},
    }
    if expected is None:
        return Verdict(about, HEALTHY, "no day is due", figures=figures)
    if not late:
        return Verdict(about, HEALTHY, f"every table has {expected}, the newest day that is due", figures=figures)
    first = min(each.missing for each in late if each.missing is not None)
    hours = max(each.overdue_seconds(scope.now) for each in late) / _HOUR
    behind = "; ".join(_alike(late))
    words = f"{expected} is due and not all is there since {first}, {hours:,.0f} hours late: {behind}"
    advice = f"`market-data ingest {feed.name} --start {first} --end {expected}`"
    return Verdict(about, DEGRADED, words, advice, figures)


def _alike(late: list[Lateness]) -> Iterator[str]:
    """Tables that lack the same symbols together."""
    for symbols in dict.fromkeys(tuple(each.behind) for each in late):
        tables = ", ".join(each.table for each in late if tuple(each.behind) == symbols)
        more = f" and {len(symbols) - _NAMED} more" if len(symbols) > _NAMED else ""
        yield f"{tables} of {', '.join(symbols[:_NAMED])}{more}"


PROBE: Probe = _Freshness()
