"""What must be true of a warehouse at any time when nobody writes to it, whatever happened before."""

from itertools import groupby

import polars as pl

from market_data.ledger.schema import CURRENT, LOST, SUPERSEDED
from market_data.storage.files import sha256
from market_data.warehouse import Warehouse
from market_data.warehouse.by_key import ByKey


def assert_sound(warehouse: Warehouse) -> None:
    """No torn file, no ledger row without its file, no file without its row, no lost revision, nothing left behind."""
    assert not warehouse.ledger.pending()
    everything = [
        revision
        for current in warehouse.ledger.find()
        for revision in warehouse.ledger.history(current.table, current.partition)
        if revision.state != LOST
    ]
    for revision in everything:
        file = warehouse.file_of(revision)
        assert sha256(file) == revision.sha256, f"{file} is not what the ledger says"
        assert pl.read_parquet(file, hive_partitioning=False).height == revision.rows
    for key, group in groupby(everything, key=lambda revision: (revision.table, revision.partition)):
        revisions = list(group)
        numbers = [revision.revision for revision in warehouse.ledger.history(*key)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert [revision.state for revision in revisions] == [SUPERSEDED] * (len(revisions) - 1) + [CURRENT]
    if isinstance(warehouse._shelf, ByKey):
        listed = {key for key, _ in warehouse._shelf.place.bucket.objects.below("warehouse/")}
        assert listed == {f"warehouse/{revision.path.as_posix()}" for revision in everything}
        return
    known = {warehouse.file_of(revision) for revision in everything}
    # A crash between linking a file into history and replacing it leaves one more name of a file that counts.
    known_bytes = {revision.sha256 for revision in everything}
    for file in warehouse.root.rglob("*.parquet"):
        if "_staging" not in file.parts:
            assert file in known or sha256(file) in known_bytes, f"{file} belongs to nobody"
