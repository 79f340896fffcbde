"""SQLite files that stay open between two uses: how many, and when one is opened anew. Not what stands in them.

A process must not open such a file by itself (`open`, a copy) while it is kept here: POSIX drops a process's locks on a
file when it closes any descriptor of it, and SQLite of another process would take the file for unused.
"""

import os
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import QueuePool

_INHERITED: list[object] = []
"""What a forked process has of its parent. SQLite allows no use of a connection there, and no closing of it either."""


@dataclass(frozen=True, slots=True)
class _Kept:
    engine: Engine
    file: tuple[int, int] | None


class Engines:
    """The engines of the files that were used last, each with one open connection. The caller sees to locking."""

    def __init__(self, most: int, busy_timeout_seconds: float) -> None:
        self._most = most
        self._timeout = busy_timeout_seconds
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        _ALL.add(self)

    def of(self, path: str, prepare: Callable[[Engine], None]) -> Engine:
        """Return the engine of a file.

        Args:
            path: of the file, which need not exist.
            prepare: what to do with an engine of a file that was not open, or is no longer the one that was (a wipe,
                a restored backup): a write into it would reach no reader.
        """
        kept = self._kept.get(path)
        if kept is not None:
            if kept.file == _identity(path):
                self._kept.move_to_end(path)
                return kept.engine
            del self._kept[path]
            kept.engine.dispose()
        engine = create_engine(
            f"sqlite:///{path}",
            poolclass=QueuePool,
            pool_size=1,
            max_overflow=1,
            connect_args={"timeout": self._timeout, "check_same_thread": False},
        )
        try:
            prepare(engine)
            engine.connect().close()
        except BaseException:
            engine.dispose()
            raise
        self._kept[path] = _Kept(engine, _identity(path))
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)[1].engine.dispose()
        return engine

    def close(self) -> None:
        """Close every file; the next use opens it."""
        while self._kept:
            self._kept.popitem()[1].engine.dispose()

    def abandon(self) -> None:
        """Forget every file without closing it, in a process that was forked from the one that opened it."""
        _INHERITED.append(self._kept)
        self._kept = OrderedDict()


_ALL: "weakref.WeakSet[Engines]" = weakref.WeakSet()


def _abandon_all() -> None:
    for engines in list(_ALL):
        engines.abandon()


os.register_at_fork(after_in_child=_abandon_all)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = Path(path).stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
