"""Replacing a partition so that a crash at any point leaves the old one or the new one, and reading what counts.

A file is written once, under a name of its own; the ledger's transaction is what makes its rows count. A crash before
it leaves a file that nobody knows, which `sweep` removes a day later.
"""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import polars as pl

from market_data.domain.account import Account
from market_data.domain.columns import sql_columns
from market_data.domain.contract import Schema, empty, polars_schema
from market_data.domain.errors import PartitionBusy
from market_data.domain.partition import Partition
from market_data.domain.tables import table as table_named
from market_data.ledger.file import File
from market_data.ledger.ledger import Commit, Ledger
from market_data.ledger.revision import Revision
from market_data.ledger.schema import CURRENT, EXPIRED
from market_data.storage.backend import Backend
from market_data.storage.bucket import BucketFolder
from market_data.storage.files import sync_file
from market_data.warehouse.damage import damaged, error
from market_data.warehouse.day_rows import content_of_day, scan_day
from market_data.warehouse.earlier_layout import settle_claims
from market_data.warehouse.file_store import SETTLED_NS, FileStore, FolderFiles, file_store, new_path
from market_data.warehouse.parquet import PartitionWriter, fingerprint, sql_type
from market_data.warehouse.shapes import Shapes, must_agree
from market_data.warehouse.verification import hashes

_TRIES = 20
_log = logging.getLogger("market_data.warehouse")
ANY = -1
"""Whichever revision counts may be replaced."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a revision comes from: what it was made of, by which code, in which run, and what is worth noting.

    Attributes:
        began: when its making began, by `time.monotonic`; None where that is not known.
        configuration: fingerprint of what shaped it besides inputs and code; None where that is not known.
    """

    source: str
    code_version: str
    run_id: str
    inputs: Sequence[Mapping[str, Any]] = ()
    notes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    began: float | None = None
    configuration: str | None = None


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
        """Open the file when it is first needed."""
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
        """Make it the partition; return the revision that counts now, and whether that is a new one.

        The same rows and account as those that count already change nothing, whichever library wrote them. (The
        account alone changes when records leave the quarantine without becoming rows, such as unreadable ones that
        the vendor took out.) With `after` (a revision's number, or None for none at all) it must replace just that
        one: it was made from it.

        Raises:
            PartitionBusy: other writers kept replacing the partition, or another revision than `after` counts by now.
        """
        self.writer.close()
        sync_file(self.path)
        return self._store.replace(self, account, origin, after)


class Warehouse:
    """The tables in a folder or a bucket, and their ledger."""

    def __init__(self, place: Path | BucketFolder, ledger: Ledger) -> None:
        self.ledger = ledger
        self.files: FileStore = file_store(place)
        self._staged = 0
        self._agreed: set[tuple[str, str]] = set()
        if isinstance(place, Path):
            settle_claims(place, ledger)

    @property
    def root(self) -> Path:
        """Return the local folder to which paths of files are relative; on a bucket, that of what was brought."""
        return self.files.root

    @property
    def backend(self) -> Backend:
        """Return where the files lie, by their paths."""
        return self.files.backend

    def folder(self) -> Path:
        """Return this process's own local folder, for files in the making; `close` removes it, or a later process."""
        return self.files.folder()

    def stage(self, table: str, partition: Partition, schema: Schema, clock: str | None = None) -> Staged:
        """Begin a partition's next file, in the folder of this writer.

        Raises:
            ConfigurationError: a column has another type in the files of another feed.
        """
        self._must_agree(table, partition.feed, schema)
        self._staged += 1
        return Staged(self, self.folder() / f"{self._staged}.parquet", table, partition, schema, clock)

    def _must_agree(self, table: str, feed: str, schema: Schema) -> None:
        key = fingerprint(schema)
        if (table, key) in self._agreed:
            return
        with self.ledger.reader() as reader:
            others = Shapes(reader).of_other_feeds(table, feed)
            there = [("in the table's contract", sql_columns(table)), *((f"in feed {name}", it) for name, it in others)]
        types = {name: sql_type(kind) for name, kind in polars_schema(schema).items()}
        must_agree(table, (feed, types), there)
        self._agreed.add((table, key))

    def close(self) -> None:
        """Remove this writer's staging folder and let its lock go."""
        self.files.close()

    # --- reading ---------------------------------------------------------------------------------

    def current(self, table: str, partition: Partition) -> Revision | None:
        """Return the revision that counts now."""
        return self.ledger.current(table, partition)

    def scan(self, table: str, partition: Partition) -> pl.LazyFrame:
        """Return the rows that count now; a frame without rows where the partition does not exist.

        They stay what they are, whoever replaces the partition meanwhile (on a bucket until `release`).

        Raises:
            WarehouseDamaged: the file of the rows is not there, or has other bytes.
        """
        revision = self.current(table, partition)
        if revision is None:
            return empty(table_named(table).schema).lazy()
        return self.rows_of(revision)

    def rows_of(self, revision: Revision) -> pl.LazyFrame:
        """Return the rows of a revision, as `scan`."""
        return scan_day(self.file_of(revision), revision.partition.date)

    def file_of(self, revision: Revision) -> Path:
        """Return the file of a revision, checked. That of a month has rows of other days too.

        Raises:
            WarehouseDamaged: it is not there, or has other bytes.
        """
        file = self.ledger.file_of(revision)
        gone = "expired: it counted longer ago than is kept" if revision.state == EXPIRED else "is lost"
        fault = gone if file is None else self.files.faults([file]).get(file.path)
        if file is None or fault is not None:
            raise error([self._damaged(revision, str(fault))])
        return self.root / file.path

    def is_whole(self, revision: Revision) -> bool:
        """Return whether the file of a revision is there, and is what it was."""
        file = self.ledger.file_of(revision)
        return file is not None and self.files.is_stored(file)

    def address(self, revision: Revision) -> str:
        """Return where the file of a revision is, for people."""
        return self.backend.address(revision.path.as_posix())

    def release(self) -> None:
        """Let go of the files that were brought from a bucket."""
        self.files.release()

    def _damaged(self, revision: Revision, fault: str) -> str:
        place, day = revision.partition, revision.partition.date.isoformat()
        counts = revision.state == CURRENT
        return damaged(revision.table, place.feed, place.symbol, [day], self.address(revision), fault, counts=counts)

    # --- replacing -------------------------------------------------------------------------------

    def replace(self, staged: Staged, account: Account, origin: Origin, after: int | None) -> tuple[Revision, bool]:
        """See `Staged.commit`."""
        table, partition = staged.table, staged.partition
        for _ in range(_TRIES):
            current = self.current(table, partition)
            same = current is not None and self._has_rows(current, staged)
            if same and current is not None:
                current = self._mended(current, staged)
            if same and current is not None and current.account == account:
                build = (origin.inputs, origin.run_id, origin.code_version, origin.configuration)
                self.ledger.confirm(current, *build)
                return current, False
            if after not in {ANY, current.revision if current else None}:
                raise PartitionBusy(f"{table} {partition}: another process replaced it meanwhile")
            made = self._commit(staged, account, origin, current, same=same)
            if made is not None:
                return made, True
        raise PartitionBusy(f"{table} {partition}: other processes keep replacing it; try again later")

    def _has_rows(self, revision: Revision, staged: Staged) -> bool:
        """Return whether a revision has the rows of a staged file. Those of earlier versions are read for it, once."""
        content = revision.content
        if content is None:
            if hashes(staged.path)[0] == revision.sha256:
                content = staged.writer.content
            elif self.is_whole(revision):
                content = content_of_day(self.file_of(revision), revision.partition.date)
            else:
                return False
            self.ledger.note_content(revision, content)
        return content == staged.writer.content and revision.columns == fingerprint(staged.schema)

    def _mended(self, current: Revision, staged: Staged) -> Revision:
        """Have the rows of a revision read from a staged file, which has the same, where its own is damaged or gone."""
        if self.is_whole(current):
            return current
        file = self._put(staged)
        _log.warning("%s: %s was damaged or gone; it is restored", current, self.address(current))
        if self.move([current], file):
            return replace(current, path=Path(file.path))
        self._take_back(file, staged)  # another process moved its rows first
        return self.current(current.table, current.partition) or current

    def move(self, revisions: Sequence[Revision], file: File) -> int:
        """Have the rows of revisions of one table and feed read from a file that was put; see `Ledger.move`."""
        first = revisions[0]

        def last_step(number: int) -> None:
            self.files.check_before_move(first.table, first.partition.feed, file.path, number)

        return self.ledger.move(revisions, file, last_step)

    def _put(self, staged: Staged) -> File:
        slow, fast = hashes(staged.path)
        file = File(new_path(staged.table, staged.partition), slow, fast, staged.path.stat().st_size)
        self.files.put(staged.path, file)
        return file

    def _commit(
        self, staged: Staged, account: Account, origin: Origin, current: Revision | None, *, same: bool
    ) -> Revision | None:
        """Make the rows count after `current`; None where another writer was first.

        Args:
            same: the rows are those of `current`, whose file serves for both.
        """
        file = None if same else self._put(staged)
        values = self._values(staged, account, origin)
        if file is not None:
            values |= {"path": file.path, "sha256": file.sha256, "size_bytes": file.size_bytes}
        elif current is not None:
            values |= {"path": current.path.as_posix(), "sha256": current.sha256, "size_bytes": current.size_bytes}
        wanted = Commit(
            staged.table,
            staged.partition,
            values,
            file,
            [(name, sql_type(kind)) for name, kind in polars_schema(staged.schema).items()],
            follows=current.revision if current is not None else 0,
            previous_is_lost=current is not None and not same and not self.is_whole(current),
            seconds=None if origin.began is None else time.monotonic() - origin.began,
            configuration=origin.configuration,
        )

        def last_step(number: int) -> None:
            self.files.check_before_commit(staged.table, staged.partition.feed, values["path"], number)

        made = self.ledger.commit(wanted, last_step)
        if file is not None and (made is None or made.path.as_posix() != file.path):
            self._take_back(file, staged)
        return made

    def _take_back(self, file: File, staged: Staged) -> None:
        """Have a file that nobody knows of as the staged one again."""
        if isinstance(self.files, FolderFiles):
            (self.root / file.path).replace(staged.path)
        else:
            self.backend.copy(file.path, staged.path)
            self.files.withdraw(file)

    def _values(self, staged: Staged, account: Account, origin: Origin) -> dict[str, Any]:
        writer = staged.writer
        return {
            "content": writer.content,
            "rows": writer.rows,
            "columns": fingerprint(staged.schema),
            "clock": writer.clock,
            "first_ns": writer.first_ns,
            "last_ns": writer.last_ns,
            "account": account.as_dict(),
            "inputs": list(origin.inputs),
            "notes": dict(origin.notes),
            "source": origin.source,
            "code_version": origin.code_version,
            "run_id": origin.run_id,
        }

    # --- looking after ---------------------------------------------------------------------------

    def sweep(self, history_ns: int | None = None) -> int:
        """Remove files that nobody can be reading or about to commit; return how many, and unfinished uploads.

        They are those of writers that died a day ago or before, and those from which no revision's rows are read for
        as long.

        Args:
            history_ns: how long revisions are kept after they were superseded; None for ever. What is older expires
                first, and its files go a day later: somebody may be reading them.
        """
        if history_ns is not None:
            self.ledger.end_history(time.time_ns() - history_ns)
        known = [file.path for file in self.ledger.filed()]
        before = time.time_ns() - SETTLED_NS
        orphans = [*self.files.sweep(known), *self.ledger.unreferenced(before)]
        return self.files.recover() + self.ledger.forget_files(orphans, self.files.remove, before)


def faults_of(warehouse: Warehouse, revisions: Iterable[Revision], *, anew: bool = False) -> dict[int, str]:
    """Return what is wrong with the files of revisions, by the revisions' ids.

    Args:
        anew: read every byte, whatever is remembered.
    """
    wanted = {each.id: each for each in revisions}
    files = warehouse.ledger.files_of(wanted.values())
    bad = warehouse.files.faults([*{file.path: file for file in files.values()}.values()], anew=anew)
    found = {id_: bad[file.path] for id_, file in files.items() if file.path in bad}
    return found | {id_: "is lost" for id_ in wanted if id_ not in files}
