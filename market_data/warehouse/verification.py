"""Whether files of a folder are what they were when they were written, and remembering it across processes.

DuckDB and polars check no checksum of a Parquet page, and none covers the footer: of 60 files with one random bit
flipped 45 were read without an error, with wrong values. So a file's hash is checked before it is opened; not again
while its device, inode, size and times are what they were. Rot below an unchanged file is for `health --full` to find.
"""

import hashlib
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

from market_data.domain.errors import StorageTrouble
from market_data.ledger.file import File

_CHUNK_BYTES = 2**20
_YOUNG_NS = 10**9
"""A file system's clock may be coarse: a file that changed so shortly before its check may change unseen after it."""
_BLOCK = 500

Stamp = tuple[int, int, int, int, int]
"""Device, inode, size, mtime and ctime in ns."""


def hashes(path: Path) -> tuple[str, str]:
    """Return the SHA-256 and the 128-bit xxh3 of a file's bytes, hexadecimal, from one reading."""
    from xxhash import xxh3_128  # noqa: PLC0415  most processes find every file checked

    slow, fast = hashlib.sha256(), xxh3_128()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            slow.update(chunk)
            fast.update(chunk)
    return slow.hexdigest(), fast.hexdigest()


def is_whole(path: Path, file: File) -> bool:
    """Read a file and return whether its bytes are those that were written."""
    from xxhash import xxh3_128  # noqa: PLC0415

    with path.open("rb") as opened:
        if file.xxh3 is None:
            return hashlib.file_digest(opened, "sha256").hexdigest() == file.sha256
        digest = xxh3_128()
        while chunk := opened.read(_CHUNK_BYTES):
            digest.update(chunk)
        return digest.hexdigest() == file.xxh3


class Verifier:
    """Checks the files of one folder.

    Args:
        root: the folder.
        memory: an SQLite file that remembers what was checked, for every process; it may be lost at any time.
    """

    def __init__(self, root: Path, memory: Path) -> None:
        self._root = root
        self._memory = memory
        self._known: dict[str, tuple[Stamp, str]] = {}

    def faults(self, files: Sequence[File], *, anew: bool = False) -> dict[str, str]:
        """Return what is wrong with those that are not what they were, by path.

        Args:
            anew: read every byte, whatever is remembered.

        Raises:
            StorageTrouble: one cannot be read, for another reason than that it is not there.
        """
        found: dict[str, str] = {}
        known = {} if anew else self._remembered(file.path for file in files)
        fresh: dict[str, tuple[Stamp, str]] = {}
        for file in files:
            before = known.get(file.path)
            try:
                stamp = _stamp(self._root / file.path)
                if before == (stamp, file.sha256):
                    continue
                began = time.time_ns()
                fault = _fault(self._root / file.path, file, stamp)
            except FileNotFoundError:
                fault = "is not there"
            except OSError as error:
                raise StorageTrouble(f"{self._root / file.path} cannot be read: {error.strerror}") from error
            else:
                if fault is None and began - max(stamp[3:]) > _YOUNG_NS:
                    fresh[file.path] = (stamp, file.sha256)
            if fault is not None:
                found[file.path] = fault
        self._remember(fresh)
        return found

    def _remembered(self, paths: Iterable[str]) -> Mapping[str, tuple[Stamp, str]]:
        missing = [path for path in paths if path not in self._known]
        if missing and self._memory.exists():
            with suppress(sqlite3.Error), closing(self._connect()) as connection:
                for first in range(0, len(missing), _BLOCK):
                    block = missing[first : first + _BLOCK]
                    marks = ",".join("?" * len(block))
                    query = (
                        f"SELECT path, device, inode, size, mtime, ctime, sha256 FROM checked WHERE path IN ({marks})"
                    )
                    for path, *stamp, digest in connection.execute(query, block):
                        self._known[path] = (tuple(stamp), digest)
        return self._known

    def _remember(self, fresh: Mapping[str, tuple[Stamp, str]]) -> None:
        """Remember in this process, and, where the folder can be written, for others."""
        if not fresh:
            return
        self._known |= fresh
        rows = [(path, *stamp, digest) for path, (stamp, digest) in fresh.items()]
        try:
            with closing(self._connect()) as connection, connection:
                connection.executemany("INSERT OR REPLACE INTO checked VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        except sqlite3.DatabaseError as error:
            if not isinstance(error, sqlite3.OperationalError):  # no database: made anew by the next check
                self._memory.unlink(missing_ok=True)

    def _connect(self) -> sqlite3.Connection:
        with suppress(OSError):
            self._memory.parent.mkdir(exist_ok=True)
        connection = sqlite3.connect(self._memory, timeout=1)
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS checked (path TEXT PRIMARY KEY, device INTEGER, inode INTEGER, size INTEGER, "
            "mtime INTEGER, ctime INTEGER, sha256 TEXT) WITHOUT ROWID"
        )
        return connection


def _fault(path: Path, file: File, stamp: Stamp) -> str | None:
    if stamp[2] != file.size_bytes:
        return f"has {stamp[2]:,} bytes instead of {file.size_bytes:,}"
    if not is_whole(path, file):
        return "has other bytes than were written"
    return None if _stamp(path) == stamp else "changed while it was checked"


def _stamp(path: Path) -> Stamp:
    facts = path.stat()
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns
