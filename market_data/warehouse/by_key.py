"""Revisions as objects of a bucket, each under a key of its own: what the ledger's row names is what counts.

The order of a replacement: upload under a key that nobody knows; enter the revision as current in one transaction.
There is no claim, so nobody has to know who lives.
"""

import datetime as dt
import logging
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select

from market_data.domain.errors import MarketDataError
from market_data.domain.partition import Partition
from market_data.ledger.ledger import Ledger
from market_data.ledger.revision import Revision
from market_data.ledger.schema import revisions
from market_data.storage.bucket import BucketFolder
from market_data.warehouse.shelf import hive_path, seconds_since

_log = logging.getLogger("market_data.warehouse")


class ByKey:
    """See `Shelf`."""

    def __init__(self, place: BucketFolder, ledger: Ledger) -> None:
        self.place = place
        self._ledger = ledger
        self._swept = False

    @property
    def root(self) -> Path:
        """See `Shelf`: this process's names of local copies."""
        return self.place.pins

    @property
    def writer(self) -> str:
        """See `Shelf`."""
        return self.place.bucket.folder.name

    def folder(self) -> Path:
        """See `Shelf`. A service that cannot list unfinished uploads, or may not, is written to all the same."""
        if not self._swept:
            self._swept = True
            try:
                self.place.bucket.abort_unfinished()
            except MarketDataError as error:
                _log.warning("unfinished uploads were not looked for: %s", error)
        return self.place.bucket.folder

    def path_of(self, revision: Revision) -> str:
        """See `Shelf`: as it was, since every revision has a path of its own."""
        return revision.path.as_posix()

    def path_of_next(self, table: str, partition: Partition) -> str:
        """See `Shelf`: no two revisions have the same, whatever becomes of their writers."""
        return hive_path(table, partition).joinpath(f"data-{uuid.uuid4().hex}.parquet").as_posix()

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
        self.place.put(staged, values["path"], values["sha256"])
        follows = current.revision if current is not None else 0
        entered = self._ledger.enter(values, table, partition, follows, seconds_since(began))
        if entered is None:
            self.place.take_back(values["path"], staged)
        return entered

    def settle(self, table: str, partition: Partition) -> bool:  # noqa: ARG002  the port's shape
        """See `Shelf`: nothing can be in the way."""
        return False

    def restore(self, staged: Path, current: Revision) -> None:
        """See `Shelf`. An object that another program wrote does not carry the hash."""
        key = current.path.as_posix()
        if self.place.digest(key) != current.sha256:
            where = self.place.address(key)
            _log.warning("%s %s: %s was damaged or gone; it is restored", current.table, current.partition, where)
            self.place.put(staged, key, current.sha256)

    def pin(self, revision: Revision) -> Path | None:
        """See `Shelf`."""
        return self.place.local(revision.path.as_posix(), revision.sha256)

    def bring(self, files: Iterable[tuple[str, str]]) -> None:
        """See `Shelf`."""
        self.place.bring(list(files))

    def address(self, revision: Revision) -> str:
        """See `Shelf`: its URL."""
        return self.place.address(revision.path.as_posix())

    def release(self) -> None:
        """See `Shelf`."""
        self.place.bucket.release()

    def recover(self, now: dt.datetime | None = None) -> int:
        """Abort uploads and remove objects of writers that died a day ago or before; how many there were."""
        aborted = self.place.bucket.abort_unfinished(now)
        settled = self.place.settled(now)
        known = {path for (path,) in self._ledger.all_rows(select(revisions.c.path))}
        orphans = [key for key in settled if key not in known]
        for key in orphans:
            _log.info("%s belongs to no revision; it is removed", self.place.address(key))
            self.place.delete(key)
        return aborted + len(orphans)

    def close(self) -> None:
        """See `Shelf`."""
        self.place.bucket.close()
