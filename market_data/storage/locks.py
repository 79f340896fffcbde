"""Locks between processes of one machine (or one shared file system): the kernel frees them when a process dies."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from market_data.domain.errors import PartitionBusy
from market_data.storage.files import make_folder

if TYPE_CHECKING:
    from filelock import FileLock


def lock_at(path: Path) -> "FileLock":
    """Return the lock at a path; nobody holds it yet. Its `acquire` raises a TimeoutError."""
    from filelock import FileLock  # noqa: PLC0415  who only reads takes none

    return FileLock(path)


@contextmanager
def held(path: Path, waiting_for: str, seconds: float = 60) -> Generator[None]:
    """Hold the lock at `path` for the block.

    Raises:
        PartitionBusy: another process still holds it after `seconds`; `waiting_for` says what it does.
    """
    make_folder(path.parent)
    lock = lock_at(path)
    try:
        lock.acquire(timeout=seconds)
    except TimeoutError as error:
        raise PartitionBusy(f"{waiting_for}: another process is at it; waited {seconds:.0f} s") from error
    try:
        yield
    finally:
        lock.release()


def is_held(path: Path) -> bool:
    """Return whether a living process holds the lock at `path`."""
    if not path.exists():
        return False
    lock = lock_at(path)
    try:
        lock.acquire(timeout=0)
    except TimeoutError:
        return True
    lock.release()
    return False


def remove_if_free(path: Path) -> bool:
    """Remove a lock's file if no living process holds it; whether it was free.

    It is removed while it is held: else a process that takes it at the same moment would lose it unawares.
    """
    lock = lock_at(path)
    try:
        lock.acquire(timeout=0)
    except TimeoutError:
        return False
    path.unlink(missing_ok=True)
    lock.release()
    return True
