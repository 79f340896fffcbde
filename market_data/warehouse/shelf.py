"""Where revisions' files lie and how one comes to count: the port, and which of its two kinds a place has."""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from market_data.domain.partition import Partition
from market_data.ledger.revision import Revision
from market_data.storage.backend import Backend


class Shelf(Protocol):
    """The files of one warehouse, for one process. Paths of revisions are relative to `root`."""

    @property
    def root(self) -> Path:
        """The folder below which the files of revisions are read, once `bring` was called for them."""
        ...

    @property
    def place(self) -> Backend:
        """Where the files lie, by the paths of revisions."""
        ...

    @property
    def writer(self) -> str:
        """This process's name, as its claims carry it."""
        ...

    def folder(self) -> Path:
        """This process's own folder, for files in the making; what processes left that died is settled first."""
        ...

    def path_of(self, revision: Revision) -> str:
        """The path that the file of a revision from elsewhere has here."""
        ...

    def path_of_next(self, table: str, partition: Partition) -> str:
        """The path that a new revision's file will have."""
        ...

    def commit(
        self,
        staged: Path,
        table: str,
        partition: Partition,
        values: Mapping[str, Any],
        current: Revision | None,
        began: float | None,
    ) -> Revision | None:
        """Make a whole, synced file the revision after `current`; None where another writer was first.

        Args:
            values: the ledger's row, with the path from `path_of_next`.
            began: when its making began, by `time.monotonic`, if that is known.
        """
        ...

    def settle(self, table: str, partition: Partition) -> bool:
        """Whether something that a dead writer left was in the way, and is not any more."""
        ...

    def restore(self, staged: Path, current: Revision) -> None:
        """Put a staged file, which has the bytes that count, in place of one that was damaged or removed."""
        ...

    def pin(self, revision: Revision) -> Path | None:
        """A name of our own for a revision's file, until `release`; None if it is gone, or is not what it was."""
        ...

    def bring(self, files: Iterable[tuple[str, str]]) -> None:
        """Make the files with these paths and SHA-256 readable below `root`, until `release`.

        Raises:
            WarehouseDamaged: one is not there. A folder of the local file system is not looked at.
        """
        ...

    def address(self, revision: Revision) -> str:
        """Where a revision's file is, for people."""
        ...

    def release(self) -> None:
        """Let go of what `pin` and `bring` gave."""
        ...

    def recover(self) -> int:
        """Settle what processes left that died; how many claims or uploads there were."""
        ...

    def close(self) -> None:
        """Remove what is this process's own."""
        ...


def hive_path(table: str, partition: Partition) -> Path:
    """The folder of a partition of a table."""
    keys = (f"feed={partition.feed}", f"symbol={partition.symbol}", f"date={partition.date.isoformat()}")
    return Path(table, *keys)


def seconds_since(began: float | None) -> float | None:
    """How long ago that was, by `time.monotonic`; None if it is not known."""
    return None if began is None else time.monotonic() - began
