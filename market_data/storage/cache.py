"""Local copies of objects, named by their SHA-256, the least recently used removed above a limit. Disposable."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from market_data.storage.files import sha256


class Cache:
    """`folder/<two digits>/<sha256>`. Who needs a file for longer than a moment has a hard link of their own to it."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self._added_bytes = 0

    def link(self, digest: str, target: Path) -> bool:
        """Make `target` a name of the file with that hash; whether it is here, and whole."""
        entry = self._entry(digest)
        try:
            target.hardlink_to(entry)
            os.utime(entry)
        except FileNotFoundError:
            if not target.exists():
                return False
        if sha256(target) == digest:
            return True
        target.unlink()
        entry.unlink(missing_ok=True)
        return False

    def keep(self, file: Path, digest: str) -> None:
        """Keep a whole file that has that hash, under one more name; what was used longest ago may go for it."""
        entry = self._entry(digest)
        entry.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            entry.hardlink_to(file)
        self._added_bytes += file.stat().st_size
        if self._added_bytes > self.limit_bytes // 10:
            self.trim()

    def trim(self) -> None:
        """Remove what was used longest ago, until what is left is within the limit."""
        self._added_bytes = 0
        entries = sorted(self._entries(), key=lambda entry: entry[0])
        total = sum(size for _, size, _ in entries)
        for _, size, path in entries:
            if total <= self.limit_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size

    def _entries(self) -> Iterator[tuple[int, int, Path]]:
        """Yield last use (ns), size and path of each file that another process does not remove."""
        for path in self.folder.glob("??/*"):
            with suppress(FileNotFoundError):
                facts = path.stat()
                yield facts.st_mtime_ns, facts.st_size, path

    def _entry(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest
