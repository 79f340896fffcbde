"""What must be true of a warehouse at any time when nobody writes to it, whatever happened before."""

import os
import time
from itertools import groupby, pairwise

from market_data.ledger.schema import CURRENT, EXPIRED, LOST, SUPERSEDED
from market_data.warehouse.file_store import SETTLED_NS, BucketFiles
from market_data.warehouse.store import Warehouse, faults_of


def assert_sound(warehouse: Warehouse, *, orphans: bool = False) -> None:
    """No torn file, no ledger row without its file, no lost revision, commits in order, nothing left behind.

    Args:
        orphans: a writer died between its file and its commit: such a file waits for a sweep.
    """
    everything = [
        revision
        for current in warehouse.ledger.find()
        for revision in warehouse.ledger.history(current.table, current.partition)
    ]
    there = [revision for revision in everything if revision.state not in {LOST, EXPIRED}]
    assert not faults_of(warehouse, there, anew=True)
    for revision in there:
        assert warehouse.rows_of(revision).collect().height == revision.rows
    for _, group in groupby(everything, key=lambda revision: (revision.table, revision.partition)):
        revisions = list(group)
        assert [revision.revision for revision in revisions] == list(range(1, len(revisions) + 1))
        assert revisions[-1].state == CURRENT
        assert {revision.state for revision in revisions[:-1]} <= {SUPERSEDED, LOST, EXPIRED}
        for before, after in pairwise(revisions):
            assert before.superseded_in == after.committed_in
            assert before.committed_ns < after.committed_ns
    in_order = sorted(everything, key=lambda revision: revision.committed_in)
    assert [each.committed_ns for each in in_order] == sorted(each.committed_ns for each in in_order)
    assert max((each.committed_in for each in everything), default=0) <= warehouse.ledger.last_commit
    known = {revision.path.as_posix() for revision in there}
    if isinstance(warehouse.files, BucketFiles):
        stored = set(warehouse.files.backend.every_key())
    else:
        stored = {
            file.relative_to(warehouse.root).as_posix() for file in (warehouse.root / "_files").rglob("*.parquet")
        }
    assert known <= stored | {path for path in known if not path.startswith("_files/")}
    # What a lost revision left, and what nothing is read from any more, stays for a day.
    unknown = stored - known - {row.path for row in warehouse.ledger.filed()}
    left = {revision.path.as_posix() for revision in everything if revision.state == LOST}
    listed = set(warehouse.ledger.unreferenced(2**62))
    assert orphans or not unknown - left - listed, f"{unknown - left - listed} belong to nobody"


def age(warehouse: Warehouse) -> None:
    """Make every file in a folder look as if it had been written more than a day ago."""
    then = time.time_ns() - SETTLED_NS - 10**9
    for path in (warehouse.root / "_files").rglob("*.parquet"):
        os.utime(path, ns=(then, then))
