"""Revisions as files of a folder, the one that counts always at the same path, those before it under `_history`.

The order of a replacement: claim the next revision in the ledger; hard-link the current file into `_history`; rename
the staged one over it; make the claim current. Whoever meets a dead writer's claim settles it by the hash of the file
that lies in place.
"""

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

from market_data.domain.partition import Partition
from market_data.ledger.ledger import Ledger
from market_data.ledger.revision import Revision
from market_data.ledger.schema import CURRENT
from market_data.storage.backend import Folder
from market_data.storage.files import make_folder, publish, sha256, sync_folder
from market_data.storage.process_folder import ProcessFolder
from market_data.warehouse.shelf import hive_path, seconds_since

_log = logging.getLogger("market_data.warehouse")


class InPlace:
    """See `Shelf`."""

    def __init__(self, root: Path, ledger: Ledger) -> None:
        self.root = root
        self.place = Folder(root)
        self._ledger = ledger
        self._own = ProcessFolder(root / "_staging")
        self._pins: set[Path] = set()

    @property
    def writer(self) -> str:
        """See `Shelf`."""
        return self._own.name

    def folder(self) -> Path:
        """See `Shelf`; its lock tells others that the process lives."""
        if not self._own.is_open:
            self._own.take()
            self.recover()
            make_folder(self._own.path)
        return self._own.path

    def path_of(self, revision: Revision) -> str:
        """See `Shelf`: a file that does not count any more must not lie beside the one that does."""
        if revision.state == CURRENT:
            return self.path_of_next(revision.table, revision.partition)
        return history_path(revision).as_posix()

    def path_of_next(self, table: str, partition: Partition) -> str:
        """See `Shelf`."""
        return hive_path(table, partition).joinpath("data.parquet").as_posix()

    def commit(
        self,
        staged: Path,
        table: str,
        partition: Partition,
        values: Mapping[str, Any],
        current: Revision | None,
        began: float | None,
    ) -> Revision | None:
        """See `Shelf`."""
        claim = self._ledger.claim(values, table, partition, current.revision if current is not None else 0)
        if claim is None:
            return None
        target = self.root / claim.path
        make_folder(target.parent)
        superseded = self.keep(current) if current is not None else None
        publish(staged, target)
        return self._ledger.commit(claim, superseded, seconds_since(began))

    def settle(self, table: str, partition: Partition) -> bool:
        """See `Shelf`."""
        for claim in self._ledger.pending(table, partition):
            # One of our own is left from a commit that the ledger's database did not take.
            if claim.writer == self.writer or not self._own.lives(claim.writer):
                self._settle(claim)
                return True
        return False

    def restore(self, staged: Path, current: Revision) -> None:
        """See `Shelf`."""
        place = self.root / current.path
        if not place.exists() or sha256(place) != current.sha256:
            _log.warning("%s %s: %s was damaged or gone; it is restored", current.table, current.partition, place)
            make_folder(place.parent)
            publish(staged, place)

    def pin(self, revision: Revision) -> Path | None:
        """See `Shelf`: a hard link.

        A reader opens a file by its name more than once: without this, footer and pages of two revisions were seen
        mixed when another process replaced the partition in between.
        """
        pin = self.folder() / f"pin-{revision.id}.parquet"
        if pin in self._pins:
            return pin
        for place in (self.root / revision.path, self.root / history_path(revision)):
            with suppress(FileNotFoundError):
                pin.hardlink_to(place)
                if sha256(pin) == revision.sha256:
                    self._pins.add(pin)
                    return pin
                pin.unlink()
        return None

    def bring(self, files: Iterable[tuple[str, str]]) -> None:
        """See `Shelf`: they are there."""

    def address(self, revision: Revision) -> str:
        """See `Shelf`."""
        return str(self.root / revision.path)

    def release(self) -> None:
        """See `Shelf`."""
        for pin in self._pins:
            pin.unlink(missing_ok=True)
        self._pins.clear()

    def recover(self) -> int:
        """See `Shelf`; how many claims there were."""
        claims = [claim for claim in self._ledger.pending() if not self._own.lives(claim.writer)]
        for claim in claims:
            self._settle(claim)
        self._own.remove_dead()
        return len(claims)

    def close(self) -> None:
        """See `Shelf`."""
        self._own.close()

    def keep(self, current: Revision) -> Path | None:
        """Link the file in place into history, before it is replaced; its path there.

        None where it is gone or not what the ledger says; what is left of it is then kept beside, as `.damaged`.
        """
        kept, place = history_path(current), self.root / current.path
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

    def _settle(self, claim: Revision) -> None:
        """A dead writer's claim: what it renamed into place is made current, what it did not is given up."""
        with FileLock(self.root / "_settle.lock"):
            if all(pending.id != claim.id for pending in self._ledger.pending(claim.table, claim.partition)):
                return
            target = self.root / claim.path
            if target.exists() and sha256(target) == claim.sha256:
                current = self._ledger.current(claim.table, claim.partition)
                self._ledger.commit(claim, self._kept(current, claim))
            else:
                self._ledger.abandon(claim.id)

    def _kept(self, current: Revision | None, claim: Revision) -> Path | None:
        """Where the file lies that a settled claim supersedes; None where there is none."""
        if current is None:
            return None
        if current.sha256 == claim.sha256:  # only the account changed: the file in place is the old one, too
            return self.keep(current)
        kept = history_path(current)
        return kept if (self.root / kept).exists() else None


def history_path(revision: Revision) -> Path:
    """Where a revision's file lies once another takes its place, which may be before the ledger says so."""
    return Path("_history") / hive_path(revision.table, revision.partition) / f"r{revision.revision}.parquet"
