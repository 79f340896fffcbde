"""Whether the feeds have what is due, whether their vendors answer, and whether what these delivered is whole.

No vendor is asked: the circuit that all processes share tells.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from market_data.domain.ports.source import Request
from market_data.operations.health._probe import DEGRADED, HEALTHY, Probe, Scope, State, Verdict
from market_data.operations.health.warehouse import SAMPLE
from market_data.operations.lateness import Lateness, lateness
from market_data.settings import Feed, Settings
from market_data.storage.files import sha256
from market_data.vendor_access.circuit_breaker import Circuit, read
from market_data.warehouse.file_checks import Entry, count_entries, entries, sample_start

_NAMED = 5
_HOUR = 3_600
_FILE = "breaker.json"


class _Freshness:
    needs = ("ledger",)

    def look(self, scope: Scope) -> Iterator[Verdict]:
        for feed in scope.feeds:
            yield _freshness_judged(scope, feed, [*lateness(scope.workspace.ledger, feed, scope.now)])


def _freshness_judged(scope: Scope, feed: Feed, found: list[Lateness]) -> Verdict:
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


class _Landing:
    needs = ("ledger",)

    def look(self, scope: Scope) -> Iterator[Verdict]:
        if scope.settings.bucket is not None:
            yield Verdict("landing", HEALTHY, "on a bucket, where each file is proved when it is read")
            return
        count = count_entries(scope.workspace.ledger, scope.only)
        first = 0 if scope.full else sample_start(count, scope.now.date(), SAMPLE)
        chosen = [*_fetched(scope, entries(scope.workspace.ledger, scope.only, first, None if scope.full else SAMPLE))]
        bad = [*filter(None, (_fault(scope, entry) for entry in chosen))]
        figures = {"partitions": count, "read": len(chosen), "bad": len(bad)}
        if bad:
            words = (
                f"landed bytes of {len(bad):,} of {len(chosen):,} partitions are not whole: {'; '.join(bad[:_NAMED])}"
            )
            advice = "the tables made from them are untouched; materialize those partitions to fetch the bytes again"
            yield Verdict("landing", DEGRADED, words, advice, figures | {"named": bad[:100]})
        else:
            words = f"the landed bytes of the {len(chosen):,} partitions that were read (of {count:,}) are whole"
            yield Verdict("landing", HEALTHY, words, figures=figures)


def _fetched(scope: Scope, found: Sequence[Entry]) -> Iterator[Entry]:
    """Yield those that came from a vendor, and are configured still."""
    feeds = {feed.name: feed for feed in scope.feeds}
    for entry in found:
        feed = feeds.get(entry.partition.feed)
        if feed is not None and entry.table in feed.tables and entry.partition.symbol in feed.symbols:
            yield entry


def _fault(scope: Scope, entry: Entry) -> str | None:
    feed = scope.settings.feeds[entry.partition.feed]
    request: Request = feed.request(entry.table, entry.partition)
    known = scope.workspace.landing.known(request)
    if not known:
        return f"{request}: there is no manifest"
    for file in (each.file for each in known):
        if not file.path.exists():
            return f"{request}: {file.name} is not there"
        if file.path.stat().st_size != file.size_bytes or sha256(file.path) != file.sha256:
            return f"{request}: {file.name} has other bytes than the manifest says"
    return None


class _Vendors:
    needs = ("configuration",)

    def look(self, scope: Scope) -> Iterator[Verdict]:
        now = scope.now.timestamp()
        for source in sorted({feed.source for feed in scope.feeds}):
            found = circuits(scope.settings, source)
            if not found:
                yield Verdict(f"vendor {source}", HEALTHY, "was not asked yet from this home")
            for name, circuit in found.items():
                yield _vendor_judged(name, circuit, now)


def circuits(settings: Settings, source: str) -> dict[str, Circuit]:
    """Return the circuits of a source's vendor, by the folders they lie in."""
    root = settings.vendors / source
    return {_circuit_name(path, settings.vendors): read(path) for path in sorted(root.rglob(_FILE))}


def _circuit_name(path: Path, root: Path) -> str:
    return path.parent.relative_to(root).as_posix()


def _vendor_judged(name: str, circuit: Circuit, now: float) -> Verdict:
    state = circuit.state(now)
    answered = f"last answered at {_time(circuit.last_success)}" if circuit.last_success else "has not answered yet"
    words, advice = f"{answered}; circuit {state}", ""
    judged: State = HEALTHY
    if state != "closed":
        judged = DEGRADED
        words += f" after {circuit.failures} requests without an answer, the last: {circuit.last_error}"
        advice = f"it is asked again at {_time(circuit.until)}; look at the vendor's status page, and at the network"
    elif circuit.failures:
        words += f"; {circuit.failures} requests in a row failed, the last: {circuit.last_error}"
    figures = {"circuit": state, "failures": circuit.failures, "last_success": circuit.last_success or None}
    return Verdict(f"vendor {name}", judged, words, advice, figures)


def _time(seconds: float) -> str:
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


PROBES: Mapping[str, Probe] = {"freshness": _Freshness(), "landing": _Landing(), "vendors": _Vendors()}
