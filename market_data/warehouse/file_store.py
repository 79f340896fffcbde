"""Where the warehouse's files lie, in a folder or a bucket: written once under names of their own, checked when read.

What of them counts, the ledger says. Nothing here replaces a file.
"""

import datetime as dt
import os
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from market_data.domain.errors import MarketDataError
from market_data.domain.partition import Partition
from market_data.ledger.file import File
from market_data.storage.backend import Backend, Folder
from market_data.storage.bucket import BucketFolder
from market_data.storage.files import make_folder, publish, sync_folder, write_atomic
from market_data.storage.process_folder import ProcessFolder
from market_data.warehouse.month_file import FILES
from market_data.warehouse.verification import Verifier

_AT_ONCE = 16
_GONE = "is not there, or is another"
SETTLED_NS = 24 * 60 * 60 * 10**9
"""No writer between its file and its commit, and no reader of a file that is not read any more, takes so long."""
CATALOG_MARK = "_staging/last_commit"
"""Holds the number of the last commit, once a catalog was made: by it the catalog's views know that they are old."""
_EARLIER_LAYOUT = "moved.parquet"
_WORDS = (
    b"This is no Parquet file. The partitions below are of an earlier layout, and newer revisions lie elsewhere: read "
    b"the warehouse by `market-data query`, or see docs/how-to/read-the-files.md.\n"
)


class FileStore(Protocol):
    """The files of one warehouse, for one process."""

    @property
    def root(self) -> Path:
        """Return the local folder below which files are read, once `bring` was called for them."""
        ...

    @property
    def backend(self) -> Backend:
        """Return the place of the files, by their paths."""
        ...

    def folder(self) -> Path:
        """Return this process's own local folder for files in the making; `close` removes it, or a later process."""
        ...

    def put(self, staged: Path, file: File) -> None:
        """Move a whole, synced local file to its path."""
        ...

    def withdraw(self, file: File) -> None:
        """Remove a file that was put, and that no revision names."""
        ...

    def check_before_commit(self, table: str, feed: str, path: str, number: int) -> None:
        """Do what must be done within the transaction that makes a file count.

        Raises:
            MarketDataError: the file is not there any more.
        """
        ...

    def check_before_move(self, table: str, feed: str, path: str, number: int) -> None:
        """Do what must be done within the transaction by which rows are read from another file.

        Args:
            number: of the last commit.

        Raises:
            MarketDataError: the file is not there any more.
        """
        ...

    def faults(self, files: Sequence[File], *, anew: bool = False) -> dict[str, str]:
        """Return what is wrong with files that are not what they were, by path.

        On a bucket each of the files is brought on the way.
        """
        ...

    def is_stored(self, file: File) -> bool:
        """Return whether a file is there, and is what it was; quickly."""
        ...

    def quick_faults(self, files: Sequence[File]) -> dict[str, str]:
        """Return what is wrong with files, by path, as `faults`; but nothing is brought."""
        ...

    def sweep(self, known: Iterable[str]) -> Iterator[str]:
        """Yield the paths of settled files that are not among those that are known."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file, if it is there."""
        ...

    def recover(self) -> int:
        """Remove what processes left that died; how many uploads there were that never ended."""
        ...

    def release(self) -> None:
        """Let go of what was brought."""
        ...

    def close(self) -> None:
        """Remove what is this process's own."""
        ...


def file_store(place: Path | BucketFolder) -> FileStore:
    """Return the store of the files in a place."""
    return FolderFiles(place) if isinstance(place, Path) else BucketFiles(place)


def new_path(table: str, partition: Partition) -> str:
    """Return a path that no other file has or will have."""
    keys = f"feed={partition.feed}/symbol={partition.symbol}/date={partition.date.isoformat()}"
    return f"{FILES}/{table}/{keys}/{uuid.uuid4().hex}.parquet"


class FolderFiles:
    """See `FileStore`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.backend = Folder(root)
        self._own = ProcessFolder(root / "_staging")
        self._verifier = Verifier(root, root / "_staging" / "checked.db")

    def folder(self) -> Path:
        """See `FileStore`; its lock tells others that the process lives."""
        if not self._own.is_open:
            self._own.take()
            self._own.remove_dead()
            make_folder(self._own.path)
        return self._own.path

    def put(self, staged: Path, file: File) -> None:
        """See `FileStore`: by a rename."""
        target = self.root / file.path
        make_folder(target.parent)
        publish(staged, target)

    def withdraw(self, file: File) -> None:
        """See `FileStore`."""
        (self.root / file.path).unlink(missing_ok=True)

    def check_before_commit(self, table: str, feed: str, path: str, number: int) -> None:
        """See `FileStore`: also, whoever globs the earlier layout or reads a catalog gets an error from now on."""
        self._check(table, feed, path)
        if (self.root / CATALOG_MARK).exists():
            self.mark(number)

    def check_before_move(self, table: str, feed: str, path: str, number: int) -> None:
        """See `FileStore`: files that catalogs read will be removed, so they get an error from now on too."""
        self._check(table, feed, path)
        if (self.root / CATALOG_MARK).exists():
            write_atomic(self.root / CATALOG_MARK, f"{number}, and files were compacted".encode())

    def _check(self, table: str, feed: str, path: str) -> None:
        if not (self.root / path).exists():
            raise MarketDataError(f"{self.root / path} was removed before it counted; nothing was changed: try again")
        earlier = self.root / table / f"feed={feed}"
        if earlier.exists() and not (earlier / _EARLIER_LAYOUT).exists():
            write_atomic(earlier / _EARLIER_LAYOUT, _WORDS)

    def mark(self, number: int) -> None:
        """Write the number of the last commit where catalogs read it."""
        write_atomic(self.root / CATALOG_MARK, str(number).encode())

    def faults(self, files: Sequence[File], *, anew: bool = False) -> dict[str, str]:
        """See `FileStore`."""
        return self._verifier.faults(files, anew=anew)

    def is_stored(self, file: File) -> bool:
        """See `FileStore`."""
        return not self._verifier.faults([file])

    def quick_faults(self, files: Sequence[File]) -> dict[str, str]:
        """See `FileStore`: what was checked once, and has its times since, is not read again."""
        return self._verifier.faults(files)

    def sweep(self, known: Iterable[str]) -> Iterator[str]:
        """See `FileStore`: by the file system's own clock, which is that of the files' times."""
        there, names = Path(self.root, FILES), set(known)
        before = _clock_of(self.folder()) - SETTLED_NS
        for folder, _, files in os.walk(there):
            for name in files:
                path = Path(folder, name)
                key = path.relative_to(self.root).as_posix()
                if key not in names and path.stat().st_mtime_ns < before:
                    yield key

    def remove(self, path: str) -> None:
        """See `FileStore`."""
        (self.root / path).unlink(missing_ok=True)
        sync_folder((self.root / path).parent)

    def recover(self) -> int:
        """See `FileStore`: the folders of processes that died."""
        self._own.remove_dead()
        return 0

    def release(self) -> None:
        """See `FileStore`: files stay what they are, so nothing is held."""

    def close(self) -> None:
        """See `FileStore`."""
        self._own.close()


class BucketFiles:
    """See `FileStore`."""

    def __init__(self, place: BucketFolder) -> None:
        self.backend = place

    @property
    def root(self) -> Path:
        """See `FileStore`: this process's names of local copies."""
        return self.backend.pins

    def folder(self) -> Path:
        """See `FileStore`."""
        return self.backend.bucket.folder

    def put(self, staged: Path, file: File) -> None:
        """See `FileStore`: one PUT. The local file becomes the copy in the cache."""
        self.backend.put(staged, file.path, file.sha256)

    def withdraw(self, file: File) -> None:
        """See `FileStore`."""
        self.backend.delete(file.path)

    def check_before_commit(self, table: str, feed: str, path: str, number: int) -> None:
        """See `FileStore`: no sweep takes an object that is younger than a day, by the service's clock."""

    def check_before_move(self, table: str, feed: str, path: str, number: int) -> None:
        """See `FileStore`: likewise."""

    def faults(self, files: Sequence[File], *, anew: bool = False) -> dict[str, str]:  # noqa: ARG002  read, always
        """See `FileStore`: each is brought; whoever brings one has read it."""
        bad = self.backend.bring([(file.path, file.sha256) for file in files])
        return dict.fromkeys(bad, _GONE)

    def is_stored(self, file: File) -> bool:
        """See `FileStore`. An object that another program wrote does not carry the hash."""
        return self.backend.digest(file.path) == file.sha256

    def quick_faults(self, files: Sequence[File]) -> dict[str, str]:
        """See `FileStore`: by a HEAD each, some at a time."""
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  not where the home is a folder

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            stored = pool.map(self.is_stored, files)
            return {file.path: _GONE for file, is_stored in zip(files, stored, strict=True) if not is_stored}

    def sweep(self, known: Iterable[str], now: dt.datetime | None = None) -> Iterator[str]:
        """See `FileStore`: by the service's clock."""
        names = set(known)
        yield from (key for key in self.backend.settled(now) if key not in names)

    def remove(self, path: str) -> None:
        """See `FileStore`."""
        self.backend.delete(path)

    def recover(self, now: dt.datetime | None = None) -> int:
        """See `FileStore`."""
        return self.backend.bucket.abort_unfinished(now)

    def release(self) -> None:
        """See `FileStore`."""
        self.backend.bucket.release()

    def close(self) -> None:
        """See `FileStore`."""
        self.backend.bucket.close()


def _clock_of(folder: Path) -> int:
    """Return what time it is by a folder's file system, ns: that of a machine that shares it may be another's."""
    probe = folder / "clock"
    probe.write_bytes(b"")
    try:
        return min(probe.stat().st_mtime_ns, time.time_ns() + SETTLED_NS)
    finally:
        probe.unlink()
