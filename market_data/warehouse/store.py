"""Replacing a partition so that a crash at any point leaves the old one or the new one, and reading what counts.

The order of a replacement: stage and sync the file; claim the next revision in the ledger; hard-link the current file
into `_history`; rename the staged one over it; make the claim current. Whoever meets a dead writer's claim settles it
by the hash of the file that lies in place.
"""

import logging
import shutil
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import polars as pl
from filelock import FileLock

from market_data.domain.account import Account
from market_data.domain.errors import PartitionBusy, WarehouseDamaged
from market_data.domain.partition import Partition
from market_data.domain.tables import table as table_named
from market_data.domain.tables._base import Schema, empty
from market_data.storage.files import make_folder, publish, sha256, sync_file, sync_folder
from market_data.storage.locks import is_held, remove_if_free
from market_data.warehouse.ledger import Ledger, Revision
from market_data.warehouse.parquet import PartitionWriter, fingerprint

_log = logging.getLogger("market_data.warehouse")
_PATIENCE_SECONDS = 60.0
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
    """The tables under `root`, and their ledger."""

    def __init__(self, root: Path, ledger: Ledger) -> None:
        self.root = root
        self.ledger = ledger
        self._writer = uuid.uuid4().hex
        self._alive: FileLock | None = None
        self._staged = 0
        self._pins: set[Path] = set()

    @property
    def _staging(self) -> Path:
        return self.root / "_staging"

    def stage(self, table: str, partition: Partition, schema: Schema, clock: str | None = None) -> Staged:
        """Begin a partition's next file, in the folder of this writer."""
        self._staged += 1
        path = self._own_folder() / f"{self._staged}.parquet"
        return Staged(self, path, table, partition, schema, clock)

    def _own_folder(self) -> Path:
        """This process's folder for files in the making; its lock tells others that the process lives."""
        folder = self._staging / self._writer
        if self._alive is None:
            make_folder(self._staging)
            self._alive = FileLock(self._lock_of(self._writer))
            self._alive.acquire()
            self.recover()
            make_folder(folder)
        return folder

    def close(self) -> None:
        """Remove this writer's staging folder and let its lock go."""
        if self._alive is not None:
            shutil.rmtree(self._staging / self._writer, ignore_errors=True)
            self._alive.release()
            remove_if_free(self._lock_of(self._writer))
            self._alive = None

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
        return pl.scan_parquet(self._pinned(revision), hive_partitioning=False)

    def release(self) -> None:
        """Let go of the files that `scan` gave."""
        for pin in self._pins:
            pin.unlink(missing_ok=True)
        self._pins.clear()

    def _pinned(self, revision: Revision) -> Path:
        """A name of our own for a revision's file.

        A reader opens a file by its name more than once: without this, footer and pages of two revisions were seen
        mixed when another process replaced the partition in between.
        """
        pin = self._own_folder() / f"pin-{revision.id}.parquet"
        if pin in self._pins:
            return pin
        for place in (self.root / revision.path, self.root / self._history_path(revision)):
            with suppress(FileNotFoundError):
                pin.hardlink_to(place)
                if sha256(pin) == revision.sha256:
                    self._pins.add(pin)
                    return pin
                pin.unlink()
        raise WarehouseDamaged(f"{revision.table} {revision.partition}: {revision.path} is not what the ledger says")

    def file_of(self, revision: Revision) -> Path:
        """The file of a revision.

        Raises:
            WarehouseDamaged: it is not there.
        """
        path = self.root / revision.path
        if not path.exists():
            raise WarehouseDamaged(
                f"{revision.table} {revision.partition}: the ledger names {path}, which is not there"
            )
        return path

    def replace(self, staged: Staged, account: Account, origin: Origin, after: int | None) -> tuple[Revision, bool]:
        """See `Staged.commit`."""
        digest = sha256(staged.path)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            current = self.current(staged.table, staged.partition)
            if current is not None and (current.sha256, current.account) == (digest, account):
                self._restore(staged, current)
                self.ledger.confirm(current, origin.inputs, origin.run_id)
                return current, False
            if after not in {ANY, current.revision if current else None}:
                raise PartitionBusy(f"{staged.table} {staged.partition}: another process replaced it meanwhile")
            values = self._values(staged, digest, account, origin)
            follows = current.revision if current is not None else 0
            claim = self.ledger.claim(values, staged.table, staged.partition, follows)
            if claim is not None:
                return self._put_in_place(staged, claim, current, origin.began), True
            self._wait_or_settle(staged, deadline)

    def recover(self) -> int:
        """Settle the claims and remove the staging folders of writers that died; how many claims there were."""
        claims = [claim for claim in self.ledger.pending() if not is_held(self._lock_of(claim.writer))]
        for claim in claims:
            self._settle(claim)
        for lock in self._staging.glob("*.lock"):
            if lock != self._lock_of(self._writer) and remove_if_free(lock):
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
        return len(claims)

    def _put_in_place(self, staged: Staged, claim: Revision, current: Revision | None, began: float | None) -> Revision:
        target = self.root / claim.path
        make_folder(target.parent)
        superseded = self._keep(current) if current is not None else None
        publish(staged.path, target)
        return self.ledger.commit(claim, superseded, None if began is None else time.monotonic() - began)

    def _restore(self, staged: Staged, current: Revision) -> None:
        """Put the staged file, which has the bytes that count, in place of one that was damaged or removed."""
        place = self.root / current.path
        if not place.exists() or sha256(place) != current.sha256:
            _log.warning("%s %s: %s was damaged or gone; it is restored", current.table, current.partition, place)
            make_folder(place.parent)
            publish(staged.path, place)

    def _keep(self, current: Revision) -> Path | None:
        """Link the file in place into history, before it is replaced; its path there.

        None where it is gone or not what the ledger says; what is left of it is then kept beside, as `.damaged`.
        """
        kept, place = self._history_path(current), self.root / current.path
        if (self.root / kept).exists():
            return kept
        if not place.exists():
            _log.error("%s %s: the file of revision %d is gone", current.table, current.partition, current.revision)
            return None
        whole = sha256(place) == current.sha256
        target = self.root / (kept if whole else kept.with_suffix(".damaged"))
        make_folder(target.parent)
        target.unlink(missing_ok=True)
        target.hardlink_to(place)
        sync_folder(target.parent)
        if not whole:
            _log.error("%s: revision %d was damaged; what is left is %s", current.partition, current.revision, target)
        return kept if whole else None

    def _wait_or_settle(self, staged: Staged, deadline: float) -> None:
        for claim in self.ledger.pending(staged.table, staged.partition):
            if not is_held(self._lock_of(claim.writer)):
                self._settle(claim)
                return
        if time.monotonic() > deadline:
            raise PartitionBusy(f"{staged.table} {staged.partition}: another process is replacing it; try again later")
        time.sleep(0.02)

    def _settle(self, claim: Revision) -> None:
        """A dead writer's claim: what it renamed into place is made current, what it did not is given up."""
        with FileLock(self.root / "_settle.lock"):
            if all(pending.id != claim.id for pending in self.ledger.pending(claim.table, claim.partition)):
                return
            target = self.root / claim.path
            if target.exists() and sha256(target) == claim.sha256:
                current = self.current(claim.table, claim.partition)
                self.ledger.commit(claim, self._kept(current, claim))
            else:
                self.ledger.abandon(claim.id)

    def _kept(self, current: Revision | None, claim: Revision) -> Path | None:
        """Where the file lies that a settled claim supersedes; None where there is none."""
        if current is None:
            return None
        if current.sha256 == claim.sha256:  # only the account changed: the file in place is the old one, too
            return self._keep(current)
        kept = self._history_path(current)
        return kept if (self.root / kept).exists() else None

    def _values(self, staged: Staged, digest: str, account: Account, origin: Origin) -> dict[str, Any]:
        writer = staged.writer
        return {
            "writer": self._writer,
            "path": _place(staged.table, staged.partition).joinpath("data.parquet").as_posix(),
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

    def _history_path(self, revision: Revision) -> Path:
        return Path("_history") / _place(revision.table, revision.partition) / f"r{revision.revision}.parquet"

    def _lock_of(self, writer: str) -> Path:
        return self._staging / f"{writer}.lock"


def _place(table: str, partition: Partition) -> Path:
    keys = (f"feed={partition.feed}", f"symbol={partition.symbol}", f"date={partition.date.isoformat()}")
    return Path(table, *keys)
