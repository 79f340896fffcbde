"""The map of `market-data coverage`: a block a month, a row a symbol, a column a day. Nothing is found out here."""

import datetime as dt
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from market_data.pipeline.coverage import Cell

_WIDTH = 31
_RULER = "1   5    10   15   20   25   30"
_MARKS = {
    "present": ("█", "#", "green", "with rows"),
    "set_aside": ("▓", "!", "yellow", "with records in quarantine"),
    "empty": ("░", "o", "cyan", "without a row"),
    "missing": ("x", "x", "bold red", "missing"),
    "no_session": ("·", ".", "bright_black", "no session"),
}
"""Characters that differ without colours, with and without Unicode."""
Line = list[tuple[str, str]]
"""Texts, each with its style."""


def draw(name: str, cells: Sequence["Cell"], file: TextIO | None = None, width: int | None = None) -> None:
    """Print the map with a title, a legend and counts; in colours on a terminal.

    Args:
        name: of the feed and the table.
        cells: by symbol and day.
        file: standard output, where it is not given.
        width: that of the terminal, where it is not given.
    """
    out = sys.stdout if file is None else file
    plain = not (out.encoding or "utf-8").lower().startswith("utf")
    marks = {state: mark[plain] for state, mark in _MARKS.items()}
    lines = _lines(name, cells, marks, width or shutil.get_terminal_size().columns)
    if not out.isatty():  # rich, which takes 0.1 s to import, would write the same
        out.writelines("".join(text for text, _ in line) + "\n" for line in lines)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=out, highlight=False, soft_wrap=True)
    for line in lines:
        console.print(Text.assemble(*line))


def _lines(name: str, cells: Sequence["Cell"], marks: dict[str, str], width: int) -> Iterator[Line]:
    yield _title(name, cells)
    symbols = sorted({cell.symbol for cell in cells})
    margin = max(map(len, symbols), default=0)
    columns = max(1, (width - margin) // (_WIDTH + 2))
    months = [(month, list(group)) for month, group in groupby(sorted(cells, key=_by_month), key=_month)]
    for n in range(0, len(months), columns):
        row = months[n : n + columns]
        for heads, style in (([month for month, _ in row], "bold"), ([_RULER] * len(row), "dim")):
            yield [(" " * margin, ""), ("".join(f"  {head:<{_WIDTH}}" for head in heads), style)]
        parts = [{symbol: list(group) for symbol, group in groupby(part, lambda cell: cell.symbol)} for _, part in row]
        for symbol in symbols:
            days = [part for each in parts for part in (("  ", ""), *_days(each.get(symbol, []), marks))]
            yield [(f"{symbol:<{margin}}", ""), *days]
    yield _legend(cells, marks)
    yield []


def _title(name: str, cells: Sequence["Cell"]) -> Line:
    expected = sum(cell.state != "no_session" for cell in cells)
    there = sum(cell.state not in {"no_session", "missing"} for cell in cells)
    if not expected:
        return [(f"{name}: no session in these days", "bold")]
    share = f"{there / expected:.1%}" if there != expected else "100%"
    return [(name, "bold"), (f": {there:,} of {expected:,} partitions, {share}", "")]


def _month(cell: "Cell") -> str:
    return f"{cell.date:%Y-%m}"


def _by_month(cell: "Cell") -> tuple[str, str, dt.date]:
    return _month(cell), cell.symbol, cell.date


def _days(cells: Sequence["Cell"], marks: dict[str, str]) -> Line:
    """Return one symbol's month: a character a day, at its place."""
    before = cells[0].date.day - 1 if cells else 0
    runs = [(state, len(list(group))) for state, group in groupby(cells, lambda cell: cell.state)]
    after = _WIDTH - before - sum(length for _, length in runs)
    return [
        (" " * before, ""),
        *((marks[state] * length, _MARKS[state][2]) for state, length in runs),
        (" " * after, ""),
    ]


def _legend(cells: Sequence["Cell"], marks: dict[str, str]) -> Line:
    counts = Counter(cell.state for cell in cells)
    line: Line = []
    for state, (_, _, style, words) in _MARKS.items():
        if counts[state]:
            line += [("   " if line else "", ""), (marks[state], style), (f" {words} {counts[state]:,}", "")]
    return line
