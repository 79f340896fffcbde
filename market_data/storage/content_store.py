"""A folder of files named by their SHA-256, each there whole or not at all. What they are is others' business."""

import os
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from market_data.storage.files import make_folder, publish, sha256, sync_file

Copy = Callable[[Path], str | None]
"""Writes a file, and gives the SHA-256 of what it wrote; None where there is nothing to write."""


class ContentStore:
    """`root/<two digits>/<sha256>`. One process writes at a time."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, digest: str) -> Path:
        """Return where the file with that hash is, or would be."""
        return self._root / digest[:2] / digest

    def has(self, digest: str, size_bytes: int) -> bool:
        """Return whether it is here with all its bytes; they are not read."""
        try:
            return self.path(digest).stat().st_size == size_bytes
        except FileNotFoundError:
            return False

    def is_whole(self, digest: str) -> bool:
        """Return whether it is here, and its bytes are what they were."""
        path = self.path(digest)
        return path.exists() and sha256(path) == digest

    def add(self, digest: str, copy: Copy) -> bool:
        """Take a file in; False, and nothing is changed, where `copy` had none, or one with another hash."""
        part = self._parts / uuid.uuid4().hex
        make_folder(self._parts)
        try:
            if copy(part) != digest:
                return False
            sync_file(part)
            make_folder(self.path(digest).parent)
            publish(part, self.path(digest))
        finally:
            part.unlink(missing_ok=True)
        return True

    def sweep(self) -> None:
        """Remove what a writer that died left in the making."""
        shutil.rmtree(self._parts, ignore_errors=True)

    def prune(self, wanted: Collection[str]) -> int:
        """Remove every file that is not among these hashes; how many there were."""
        strangers = [path for path in self._files() if path.name not in wanted]
        for path in strangers:
            path.unlink()
        return len(strangers)

    @property
    def _parts(self) -> Path:
        return self._root / "parts"

    def _files(self) -> Iterator[Path]:
        for folder in os.scandir(self._root):
            if folder.is_dir() and folder.name != self._parts.name:
                yield from (Path(entry.path) for entry in os.scandir(folder))
