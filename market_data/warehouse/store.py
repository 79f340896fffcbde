"""Replacing a partition so that a crash at any point leaves the old one or the new one, and reading what counts.

How a staged file comes to count is the shelf's: `in_place` for a folder, `by_key` for a bucket.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import polars as pl

from market_data.domain.account import Account
from market_data.domain.contract import Schema, empty
from market_data.domain.errors import PartitionBusy, WarehouseDamaged
from market_data.domain.partition import Partition
from market_data.domain.tables import table as table_named
from market_data.ledger.ledger import Ledger
from market_data.ledger.revision import Revision
from market_data.storage.backend import Backend
from market_data.storage.bucket import BucketFolder
from market_data.storage.files import sha256, sync_file
from market_data.warehouse.by_key import ByKey
from market_data.warehouse.in_place import InPlace
from market_data.warehouse.parquet import PartitionWriter, fingerprint
from market_data.warehouse.shelf import Shelf

_PATIENCE_SECONDS = 60.0
_PAUSE_SECONDS = 0.02
ANY = -1
"""Whichever revision counts may be replaced."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a revision comes from: what it was made of, by which code, in which run, and what is worth noting.

    Attributes:
        began: when its making began, by `time.monotonic`; None where that is not known.
    """

    source: str
    code_version: str
    run_id: str
    inputs: Sequence[Mapping[str, Any]] = ()
    notes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    began: float | None = None


class Staged:
    """A partition's file in the making. Use as a context manager: what was not committed is removed."""

    def __init__(
        self, store: "Warehouse", path: Path, table: str, partition: Partition, schema: Schema, clock: str | None
    ) -> None:
        self.path = path
        self.table = table
        self.partition = partition
        self.schema = schema
        self.clock = clock
        self._store = store

    @cached_property
    def writer(self) -> PartitionWriter:
        """Opens the file when it is first needed."""
        return PartitionWriter(self.path, table_named(self.table), self.schema, self.clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if "writer" in self.__dict__:
            self.writer.abandon()
        self.path.unlink(missing_ok=True)

    def write(self, frame: pl.DataFrame) -> None:
        """Append rows in the table's order."""
        self.writer.write(frame)

    def commit(self, account: Account, origin: Origin, after: int | None = ANY) -> tuple[Revision, bool]:
        """Make it the partition; the revision that counts now, and whether that is a new one.

        The same bytes and account as those that count already change nothing. (The account alone changes when
        records leave the quarantine without becoming rows, such as unreadable ones that the vendor took out.) With
        `after` (a revision's number, or None for none at all) it must replace just that one: it was made from it.

        Raises:
            PartitionBusy: a living writer kept its claim on the partition for longer than a minute, or another
                revision than `after` counts by now.
        """
        self.writer.close()
        sync_file(self.path)
        return self._store.replace(self, account, origin, after)


class Warehouse:
    """The tables in a folder or a bucket, and their ledger."""

    def __init__(self, place: Path | BucketFolder, ledger: Ledger) -> None:
        self.ledger = ledger
        self._shelf: Shelf = InPlace(place, ledger) if isinstance(place, Path) else ByKey(place, ledger)
        self._staged = 0

    @property
    def root(self) -> Path:
        """The local folder to which `path` of a revision is relative; on a bucket, of what `bring` brought."""
        return self._shelf.root

    @property
    def place(self) -> Backend:
        """Where the files lie, by the paths of revisions."""
        return self._shelf.place

    def path_of(self, revision: Revision) -> str:
        """The path that the file of a revision from elsewhere has here."""
        return self._shelf.path_of(revision)

    def folder(self) -> Path:
        """This process's own local folder, for files in the making; it is removed by `close`, or after a crash."""
        return self._shelf.folder()

    def stage(self, table: str, partition: Partition, schema: Schema, clock: str | None = None) -> Staged:
        """Begin a partition's next file, in the folder of this writer."""
        self._staged += 1
        path = self._shelf.folder() / f"{self._staged}.parquet"
        return Staged(self, path, table, partition, schema, clock)

    def close(self) -> None:
        """Remove this writer's staging folder and let its lock go."""
        self._shelf.close()

    def current(self, table: str, partition: Partition) -> Revision | None:
        """The revision that counts now."""
        return self.ledger.current(table, partition)

    def scan(self, table: str, partition: Partition) -> pl.LazyFrame:
        """The rows that count now; a frame without rows where the partition does not exist.

        They stay what they are until `release`, whoever replaces the partition meanwhile.

        Raises:
            WarehouseDamaged: the ledger names a file that is not there, or has other bytes.
        """
        revision = self.current(table, partition)
        if revision is None:
            return empty(table_named(table).schema).lazy()
        return self.rows_of(revision)

    def rows_of(self, revision: Revision) -> pl.LazyFrame:
        """The rows of a revision, as `scan`."""
        pin = self._shelf.pin(revision)
        if pin is None:
            where = f"{revision.table} {revision.partition}"
            raise WarehouseDamaged(f"{where}: {revision.path} is not what the ledger says")
        return pl.scan_parquet(pin, hive_partitioning=False)

    def release(self) -> None:
        """Let go of the files that `scan` gave."""
        self._shelf.release()

    def bring(self, files: Iterable[tuple[str, str]]) -> None:
        """Make the files of revisions, by path and SHA-256, readable below `root`, until `release`.

        Raises:
            WarehouseDamaged: one is not there (on a bucket; what lies in a folder is not looked at).
        """
        self._shelf.bring(files)

    def file_of(self, revision: Revision) -> Path:
        """The file of a revision.

        Raises:
            WarehouseDamaged: it is not there.
        """
        self.bring([(revision.path.as_posix(), revision.sha256)])
        path = self.root / revision.path
        if not path.exists():
            raise WarehouseDamaged(
                f"{revision.table} {revision.partition}: the ledger names {path}, which is not there"
            )
        return path

    def address(self, revision: Revision) -> str:
        """Where the file of a revision is, for people."""
        return self._shelf.address(revision)

    def replace(self, staged: Staged, account: Account, origin: Origin, after: int | None) -> tuple[Revision, bool]:
        """See `Staged.commit`."""
        table, partition = staged.table, staged.partition
        digest = sha256(staged.path)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            current = self.current(table, partition)
            if current is not None and (current.sha256, current.account) == (digest, account):
                self._shelf.restore(staged.path, current)
                self.ledger.confirm(current, origin.inputs, origin.run_id)
                return current, False
            if after not in {ANY, current.revision if current else None}:
                raise PartitionBusy(f"{table} {partition}: another process replaced it meanwhile")
            values = self._values(staged, digest, account, origin)
            made = self._shelf.commit(staged.path, table, partition, values, current, origin.began)
            if made is not None:
                return made, True
            if self._shelf.settle(table, partition):
                continue
            if time.monotonic() > deadline:
                raise PartitionBusy(f"{table} {partition}: another process is replacing it; try again later")
            time.sleep(_PAUSE_SECONDS)

    def recover(self) -> int:
        """Settle and remove what writers left that died; how many claims or uploads there were."""
        return self._shelf.recover()

    def _values(self, staged: Staged, digest: str, account: Account, origin: Origin) -> dict[str, Any]:
        writer = staged.writer
        return {
            "writer": self._shelf.writer,
            "path": self._shelf.path_of_next(staged.table, staged.partition),
            "sha256": digest,
            "size_bytes": staged.path.stat().st_size,
            "rows": writer.rows,
            "columns": fingerprint(staged.schema),
            "first_ns": writer.first_ns,
            "last_ns": writer.last_ns,
            "account": account.as_dict(),
            "inputs": list(origin.inputs),
            "notes": dict(origin.notes),
            "source": origin.source,
            "code_version": origin.code_version,
            "run_id": origin.run_id,
        }
