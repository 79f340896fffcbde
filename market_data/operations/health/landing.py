"""Whether the vendors' bytes that the current revisions were made from are there."""

from collections.abc import Iterator, Sequence

from market_data.domain.ports.source import Request
from market_data.operations.health._probe import DEGRADED, HEALTHY, Probe, Scope, Verdict
from market_data.operations.health.warehouse import SAMPLE
from market_data.storage.files import sha256
from market_data.warehouse.file_checks import Entry, count_entries, entries, sample_start

_NAMED = 5


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


PROBE: Probe = _Landing()
