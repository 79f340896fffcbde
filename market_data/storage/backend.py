"""Where files lie, by keys: the port, and a folder of the local file system. The bucket is `bucket`."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from market_data.storage.files import copy, make_folder, publish, sha256, sync_file, write_atomic


class Backend(Protocol):
    """Files by keys such as `a/b/c.zip`. Each is there whole or not at all.

    Every method raises StorageTrouble (or OSError, on the local file system) where the storage says no.
    """

    def put(self, staged: Path, key: str, digest: str) -> Path:
        """Move a whole local file, whose SHA-256 is `digest`, to the key; where it can be read from now on."""
        ...

    def write(self, key: str, content: bytes) -> None:
        """Make a few bytes the key's."""
        ...

    def read(self, key: str) -> bytes | None:
        """Return the bytes of a small file; None where there is none."""
        ...

    def size(self, key: str) -> int | None:
        """Return how many bytes the key has; None where it is not there. Quick."""
        ...

    def digest(self, key: str) -> str | None:
        """Return the SHA-256 of the key's bytes; None where it is not there (or, on a bucket, was put by others)."""
        ...

    def every_key(self) -> Iterator[str]:
        """Return every key, those of files in the making left out."""
        ...

    def copy(self, key: str, target: Path) -> str | None:
        """Copy the key's bytes to a local file; their SHA-256, None where there is no such key."""
        ...

    def local(self, key: str, digest: str) -> Path | None:
        """Return a local file with the key's bytes; None where they are gone or have another SHA-256. Read it, only."""
        ...

    def path(self, key: str) -> Path:
        """Return where a local file with the key's bytes is, or would be."""
        ...

    def workdir(self, key: str) -> Path:
        """Return the local folder for the making of what shall have this key; it is not made here."""
        ...

    def address(self, key: str) -> str:
        """Return where the key is, for people."""
        ...


class Folder:
    """A place in a folder, by atomic renames."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, staged: Path, key: str, digest: str) -> Path:  # noqa: ARG002  the port's shape
        """See `Backend`."""
        target = self.root / key
        make_folder(target.parent)
        sync_file(staged)
        publish(staged, target)
        return target

    def write(self, key: str, content: bytes) -> None:
        """See `Backend`."""
        write_atomic(self.root / key, content)

    def read(self, key: str) -> bytes | None:
        """See `Backend`."""
        path = self.root / key
        return path.read_bytes() if path.exists() else None

    def size(self, key: str) -> int | None:
        """See `Backend`."""
        path = self.root / key
        return path.stat().st_size if path.exists() else None

    def digest(self, key: str) -> str | None:
        """See `Backend`."""
        path = self.root / key
        return sha256(path) if path.exists() else None

    def every_key(self) -> Iterator[str]:
        """See `Backend`."""
        for folder, below, files in os.walk(self.root):
            if Path(folder) == self.root:
                below[:] = [name for name in below if name != "_staging"]
            yield from (
                Path(folder, name).relative_to(self.root).as_posix()
                for name in files
                if not name.startswith(".") and not name.endswith(".lock")
            )

    def copy(self, key: str, target: Path) -> str | None:
        """See `Backend`: of one file, whatever is renamed over it meanwhile."""
        try:
            return copy(self.root / key, target)
        except FileNotFoundError:
            return None

    def local(self, key: str, digest: str) -> Path | None:
        """See `Backend`: the file itself."""
        path = self.root / key
        return path if path.exists() and sha256(path) == digest else None

    def path(self, key: str) -> Path:
        """See `Backend`."""
        return self.root / key

    def workdir(self, key: str) -> Path:
        """See `Backend`."""
        return self.root / "_staging" / key

    def address(self, key: str) -> str:
        """See `Backend`."""
        return str(self.root / key)
