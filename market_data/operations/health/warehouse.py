"""Whether the warehouse's files are what they were when they were written, and whether some belong to nobody."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from market_data.operations.health._probe import DEGRADED, HEALTHY, UNHEALTHY, Probe, Scope, Verdict
from market_data.storage.files import write_atomic
from market_data.warehouse.file_checks import Entry, count_entries, dead_folders, entries, sample_start, strays

SAMPLE = 50
"""Files that are read a day."""
_NAMED = 5
_SWEPT_NS = 2 * 24 * 60 * 60 * 10**9
"""A daily sweep has removed by then what may be removed after a day."""
_LAST_FULL = "last-full-health.json"


class _Warehouse:
    needs = ("ledger",)

    def look(self, scope: Scope) -> Iterator[Verdict]:
        if scope.settings.bucket is not None:
            yield Verdict("warehouse files", HEALTHY, "on a bucket, where each file is proved when it is read")
            return
        yield _files(scope)
        if scope.full:
            yield _strays(scope)
        yield _dead(scope)


def _files(scope: Scope) -> Verdict:
    """Return each file of today's sample is what it was; with `full` every one, read anew."""
    workspace = scope.workspace
    count = count_entries(workspace.ledger, scope.only)
    first = 0 if scope.full else sample_start(count, scope.now.date(), SAMPLE)
    chosen = entries(workspace.ledger, scope.only, first, None if scope.full else SAMPLE)
    bad = [*_bad(scope, chosen)]
    figures = {"files": count, "read": len(chosen), "bad": len(bad)}
    last = _last_full(scope, bad)
    if bad:
        words = f"{len(bad):,} of {len(chosen):,} files are not what was written: {'; '.join(bad[:_NAMED])}"
        advice = "materialize those partitions again: the landed bytes put them back as they were"
        return Verdict("warehouse files", UNHEALTHY, words, advice, figures | {"named": bad[:100]} | last)
    at = last["last_full"]
    words = f"{len(chosen):,} of {count:,} files were read and are what was written; " + (
        f"all were read on {at[:10]}" if at else "`market-data health --full` reads all, and never did"
    )
    return Verdict("warehouse files", HEALTHY, words, figures=figures | last)


def _bad(scope: Scope, chosen: Sequence[Entry]) -> Iterator[str]:
    workspace = scope.workspace
    faults = workspace.warehouse.files.faults([*{entry.file.path: entry.file for entry in chosen}.values()], anew=True)
    for entry in chosen:
        if entry.file.path in faults and _counts_still(scope, entry):
            yield f"{entry.table} {entry.partition} {faults[entry.file.path]}"


def _counts_still(scope: Scope, entry: Entry) -> bool:
    """Return whether nobody replaced or mended it meanwhile: else what was seen of its file says nothing."""
    current = scope.workspace.ledger.current(entry.table, entry.partition)
    return current is not None and (current.id, current.path.as_posix()) == (entry.id, entry.file.path)


def _last_full(scope: Scope, bad: Sequence[str]) -> dict[str, str]:
    """Return when every file was read last; a whole look at all feeds is noted."""
    note: Path = scope.settings.home / _LAST_FULL
    if scope.full and scope.only is None:
        write_atomic(note, json.dumps({"at": scope.now.isoformat(timespec="seconds"), "bad": len(bad)}).encode())
    try:
        at = str(json.loads(note.read_bytes())["at"])
        dt.datetime.fromisoformat(at)
    except (OSError, ValueError, KeyError, TypeError):
        return {"last_full": ""}
    return {"last_full": at}


def _strays(scope: Scope) -> Verdict:
    """Look at files first, the ledger second: what is put in place meanwhile has its row by then."""
    workspace = scope.workspace
    there = [*strays(workspace.warehouse.root, set())]
    known = {file.path for file in workspace.ledger.filed()} | _waiting(scope)
    found = sorted(set(there) - known)
    if found:
        words = f"{len(found):,} files belong to no revision, and are not read: {', '.join(found[:_NAMED])}"
        advice = "`market-data sweep` removes them when they are a day old"
        return Verdict("warehouse orphans", DEGRADED, words, advice, {"orphans": found[:100], "count": len(found)})
    return Verdict("warehouse orphans", HEALTHY, "no file is without its revision", figures={"count": 0})


def _waiting(scope: Scope) -> set[str]:
    """Return the files that are not read any more, and that stay a day for those who read them, until a sweep."""
    ledger, soon = scope.workspace.ledger, int(scope.now.timestamp() * 10**9) + _SWEPT_NS
    return {*ledger.unreferenced(soon)} - {*ledger.unreferenced(soon - 2 * _SWEPT_NS)}


def _dead(scope: Scope) -> Verdict:
    folders = [*dead_folders(scope.workspace.warehouse.root)]
    figures = {"folders": len(folders)}
    if folders:
        words = f"dead writers left {len(folders)} staging folders"
        return Verdict("warehouse leftovers", DEGRADED, words, "the next run removes them", figures)
    return Verdict("warehouse leftovers", HEALTHY, "dead writers left nothing", figures=figures)


PROBES: Mapping[str, Probe] = {"warehouse": _Warehouse()}
