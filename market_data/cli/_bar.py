"""A bar of partitions that are done, on a terminal; elsewhere a line now and then would only be noise. No counting."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from market_data.cli import _shared


@contextmanager
def bar(total: int, *, shown: bool = True) -> Generator[Callable[[int, str], None]]:
    """What it yields is called with how many are done, and words for the last one."""
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
        task = progress.add_task("starting Dagster", total=total)

        def advance(done: int, words: str) -> None:
            progress.update(task, completed=done, description=words)

        yield advance
        progress.update(task, description="done" if progress.tasks[0].completed >= total else "ended")
