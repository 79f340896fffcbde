"""What is said on a terminal and elsewhere: consoles, notes, a bar of progress, tables, figures for people.

rich is imported where it has something to show: beside a terminal what is said is plain, and rich takes 0.1 s.
"""

import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

import typer

if TYPE_CHECKING:
    from rich.console import Console

_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT")


def stdout() -> "Console":
    """Return a console for results."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def stderr() -> "Console":
    """Return a console for what is said beside results; it shows progress on a terminal only."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def note(text: str) -> None:
    """Say something beside results."""
    typer.echo(text, err=True)


@contextmanager
def status(words: str) -> Generator[None]:
    """Show on a terminal that something goes on."""
    if sys.stderr.isatty():
        with stderr().status(words):
            yield
    else:
        yield


class Advance(Protocol):
    """Told how many are done, words for the last one, and how many there are where that was not known before."""

    def __call__(self, done: int, words: str, total: int | None = None) -> None:
        """Show it."""
        ...


@contextmanager
def progress_bar(total: int, *, shown: bool = True, words: str = "starting Dagster") -> Generator[Advance]:
    """Show what is done of so many, on a terminal; elsewhere a line now and then would only be noise."""
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
    with Progress(*columns, console=stderr(), disable=not shown) as progress:
        task = progress.add_task(words, total=total)

        def advance(done: int, words: str, total: int | None = None) -> None:
            progress.update(task, completed=done, description=words, total=total)

        yield advance
        progress.update(task, description="done" if progress.tasks[0].completed >= total else "ended")


def print_table(names: list[str], kinds: list[str], cells: list[list[str]], file: TextIO | None = None) -> str:
    """Print what has room on a terminal, all of it as Markdown elsewhere; returns a note of what had no room.

    Args:
        names: the columns.
        kinds: their types as DuckDB writes them: numbers stand on the right.
        cells: the values, a list a column.
        file: standard output, where it is not given.
    """
    out = sys.stdout if file is None else file
    on_right = [kind.startswith("DECIMAL") or kind in {*_NUMBERS, "FLOAT", "DOUBLE"} for kind in kinds]
    if not out.isatty() and all(text.isascii() and text.isprintable() for part in (names, *cells) for text in part):
        out.write(_markdown(names, on_right, cells))
        return ""
    return _print_with_rich(names, on_right, cells, out)


def _markdown(names: list[str], on_right: list[bool], cells: list[list[str]]) -> str:
    """Return the same as rich writes without a terminal, of texts whose width is their length."""
    widths = [max(map(len, (name, *column))) for name, column in zip(names, cells, strict=True)]

    def line(values: Sequence[str]) -> str:
        padded = zip(values, widths, on_right, strict=True)
        return f"| {' | '.join(text.rjust(width) if right else text.ljust(width) for text, width, right in padded)} |\n"

    rule = f"|{'|'.join('-' * (width + 2) for width in widths)}|\n"
    return "".join((line(names), rule, *map(line, zip(*cells, strict=True))))


def _print_with_rich(names: list[str], on_right: list[bool], cells: list[list[str]], file: TextIO) -> str:
    from rich import box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=file, highlight=False, soft_wrap=True)
    widths = [max(map(cell_len, (name, *column))) + 3 for name, column in zip(names, cells, strict=True)]
    if not console.is_terminal:
        console.width = sum(widths) + 1
    shown = columns_that_fit(widths, console.width)
    table = Table(box=box.SIMPLE_HEAD if console.is_terminal else box.MARKDOWN, show_edge=not console.is_terminal)
    for n in shown:
        table.add_column(Text(names[n]), justify="right" if on_right[n] else "left", no_wrap=True)
    for row in zip(*(cells[n] for n in shown), strict=True):
        table.add_row(*(Text(value, style="dim" if value == "NULL" else "") for value in row))
    with console.capture() as captured:
        console.print(table)
    lines = [line for line in captured.get().splitlines() if line.strip()]  # Markdown's edges are blank
    file.write("\n".join(lines) + "\n")
    hidden = [name for n, name in enumerate(names) if n not in shown]
    return f"too narrow for {len(hidden)} of {len(names)} columns: {', '.join(hidden)}" if hidden else ""


def columns_that_fit(widths: list[int], room: int) -> list[int]:
    """As many columns as have room, first and last ones first."""
    order = [n // 2 if n % 2 == 0 else len(widths) - 1 - n // 2 for n in range(len(widths))]
    shown: list[int] = []
    for n in order:
        if not shown or sum(widths[m] for m in shown) + widths[n] <= room:
            shown.append(n)
    return sorted(shown)


def counted(rows: Mapping[str, int]) -> str:
    """Return how many rows relations have, those that are empty left out."""
    return ", ".join(f"{count:,} {name}" for name, count in rows.items() if count) or "no row"


def shown_size(count: float) -> str:
    """Return bytes for people."""
    thousand = 1_000
    for unit in ("B", "kB", "MB", "GB"):
        if count < thousand:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= thousand
    return f"{count:.1f} TB"
