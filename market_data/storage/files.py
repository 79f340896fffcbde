"""Writing files so that a crash at any point leaves either the old one or the new one."""

import hashlib
import os
from pathlib import Path

_CHUNK_BYTES = 2**20


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy(source: Path, target: Path) -> str:
    """Copy a file; the SHA-256 of the bytes that were copied, hexadecimal."""
    digest = hashlib.sha256()
    with source.open("rb") as read, target.open("wb") as written:
        while chunk := read.read(_CHUNK_BYTES):
            digest.update(chunk)
            written.write(chunk)
    return digest.hexdigest()


def sync_file(path: Path) -> None:
    """Wait until a file's bytes are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Wait until a folder's entries are on disk; where folders cannot be synced (Windows) nothing is to be done."""
    if os.name == "posix":
        sync_file(folder)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, and their entries durable."""
    missing: list[Path] = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        sync_folder(path.parent)


def publish(staged: Path, target: Path) -> None:
    """Move a whole, synced file over `target` in one step; both on the same file system."""
    staged.replace(target)
    sync_folder(target.parent)


def write_atomic(target: Path, content: bytes) -> None:
    """Write a small file in one step."""
    staged = target.with_name(f".{target.name}.{os.getpid()}")
    with staged.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    publish(staged, target)
