"""Whether the warehouse's files are what the ledger says, and whether something lies about that belongs to nobody."""

from collections.abc import Iterator, Sequence

from market_data.operations.health._probe import DEGRADED, HEALTHY, UNHEALTHY, Probe, Scope, Verdict
from market_data.warehouse.file_checks import (
    Entry,
    claimed,
    dead_claims,
    dead_folders,
    fault,
    placed,
    sample,
    settled,
)

SAMPLE = 50
"""Files that are read a day."""
_NAMED = 5


class _Warehouse:
    needs = ("ledger",)

    def look(self, scope: Scope) -> Iterator[Verdict]:
        if scope.settings.bucket is not None:
            yield Verdict("warehouse files", HEALTHY, "on a bucket, where each file is proved when it is read")
            return
        yield _files(scope)
        yield _strays(scope)
        yield _dead(scope)


def _files(scope: Scope) -> Verdict:
    """Each current revision has its file with its size, and those of the sample with their bytes."""
    found = scope.entries
    chosen = {entry.id for entry in (found if scope.full else sample(found, scope.now.date(), SAMPLE))}
    bad = [*_bad(scope, found, chosen)]
    figures = {"files": len(found), "read": len(chosen), "bad": len(bad)}
    if bad:
        words = f"{len(bad):,} of {len(found):,} files are not what the ledger says: {'; '.join(bad[:_NAMED])}"
        advice = "materialize those partitions again: the landed bytes put them back as they were"
        return Verdict("warehouse files", UNHEALTHY, words, advice, figures | {"named": bad[:100]})
    words = f"{len(found):,} files have the ledger's sizes; the {len(chosen):,} that were read have its hashes"
    return Verdict("warehouse files", HEALTHY, words, figures=figures)


def _bad(scope: Scope, found: Sequence[Entry], chosen: set[int]) -> Iterator[str]:
    workspace = scope.workspace
    for entry in found:
        told = fault(workspace.warehouse.root, entry, read=entry.id in chosen)
        if told is not None and settled(workspace.ledger, entry):
            yield f"{entry.table} {entry.partition} {told}"


def _strays(scope: Scope) -> Verdict:
    """Files first, the ledger second: what is put in place meanwhile has its row by then."""
    workspace = scope.workspace
    there = placed(workspace.warehouse.root, scope.only)
    strays = sorted(there - claimed(workspace.ledger, scope.only))
    if strays:
        words = f"{len(strays):,} files belong to no revision, and are not read: {', '.join(strays[:_NAMED])}"
        advice = "move them away; if the ledger was put back from a copy, materialize those partitions again"
        return Verdict("warehouse orphans", DEGRADED, words, advice, {"orphans": strays[:100], "count": len(strays)})
    return Verdict("warehouse orphans", HEALTHY, "no file is without its revision", figures={"count": 0})


def _dead(scope: Scope) -> Verdict:
    workspace = scope.workspace
    claims = dead_claims(workspace.warehouse.root, workspace.ledger)
    folders = [*dead_folders(workspace.warehouse.root)]
    figures = {"claims": claims, "folders": len(folders)}
    if claims or folders:
        words = f"dead writers left {claims} claims and {len(folders)} staging folders"
        return Verdict("warehouse leftovers", DEGRADED, words, "the next run settles and removes them", figures)
    return Verdict("warehouse leftovers", HEALTHY, "dead writers left nothing", figures=figures)


PROBE: Probe = _Warehouse()
