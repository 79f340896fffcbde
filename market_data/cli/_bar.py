"""A bar of what is done of so many, on a terminal; elsewhere a line now and then would only be noise. No counting."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

from market_data.cli import _shared


class Advance(Protocol):
    """Told how many are done, words for the last one, and how many there are where that was not known before."""

    def __call__(self, done: int, words: str, total: int | None = None) -> None: ...


@contextmanager
def bar(total: int, *, shown: bool = True, words: str = "starting Dagster") -> Generator[Advance]:
    """What it yields is called as `Advance` says."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=_shared.stderr(), disable=not shown) as progress:
        task = progress.add_task(words, total=total)

        def advance(done: int, words: str, total: int | None = None) -> None:
            progress.update(task, completed=done, description=words, total=total)

        yield advance
        progress.update(task, description="done" if progress.tasks[0].completed >= total else "ended")
