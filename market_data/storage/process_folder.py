"""A folder that belongs to one process: its lock tells others that the process lives, and a dead one's is removed."""

import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from market_data.storage.files import make_folder
from market_data.storage.locks import is_held, lock_at, remove_if_free

if TYPE_CHECKING:
    from filelock import FileLock


class ProcessFolder:
    """`above/<name>`, with `<name>.lock` beside it. It is made when it is first needed."""

    def __init__(self, above: Path) -> None:
        self.above = above
        self.name = uuid.uuid4().hex
        self._alive: FileLock | None = None

    @property
    def path(self) -> Path:
        """Return where it is, or will be."""
        return self.above / self.name

    @property
    def is_open(self) -> bool:
        """Return whether this process has taken it."""
        return self._alive is not None

    def take(self) -> None:
        """Show that this process lives; the folder itself is not made yet."""
        make_folder(self.above)
        self._alive = lock_at(self._lock_of(self.name))
        self._alive.acquire()

    def close(self) -> None:
        """Remove the folder and let its lock go."""
        if self._alive is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            self._alive.release()
            remove_if_free(self._lock_of(self.name))
            self._alive = None

    def lives(self, name: str) -> bool:
        """Return whether the process whose folder has that name lives."""
        return is_held(self._lock_of(name))

    def remove_dead(self) -> None:
        """Remove the folders of processes that died."""
        for lock in self.above.glob("*.lock"):
            if lock != self._lock_of(self.name) and remove_if_free(lock):
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)

    def _lock_of(self, name: str) -> Path:
        return self.above / f"{name}.lock"
