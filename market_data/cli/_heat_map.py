"""The map of `market-data coverage`: a block a month, a row a symbol, a column a day."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Console
from rich.text import Text

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


def draw(name: str, cells: Sequence[Cell], console: Console) -> None:
    """Print the map with a title, a legend and counts."""
    console.print(_title(name, cells))
    symbols = sorted({cell.symbol for cell in cells})
    margin = max(map(len, symbols), default=0)
    columns = max(1, (console.width - margin) // (_WIDTH + 2))
    months = [(month, list(group)) for month, group in groupby(sorted(cells, key=_by_month), key=_month)]
    for n in range(0, len(months), columns):
        row = months[n : n + columns]
        for heads, style in (([month for month, _ in row], "bold"), ([_RULER] * len(row), "dim")):
            console.print(Text(" " * margin).append("".join(f"  {head:<{_WIDTH}}" for head in heads), style))
        lines = [{symbol: list(group) for symbol, group in groupby(part, lambda cell: cell.symbol)} for _, part in row]
        for symbol in symbols:
            line = Text(f"{symbol:<{margin}}")
            for part in lines:
                line.append("  ").append_text(_days(part.get(symbol, []), console))
            console.print(line)
    console.print(_legend(cells, console))
    console.print()


def _title(name: str, cells: Sequence[Cell]) -> Text:
    expected = sum(cell.state != "no_session" for cell in cells)
    there = sum(cell.state not in {"no_session", "missing"} for cell in cells)
    if not expected:
        return Text(f"{name}: no session in these days", "bold")
    share = f"{there / expected:.1%}" if there != expected else "100%"
    return Text.assemble((name, "bold"), f": {there:,} of {expected:,} partitions, {share}")


def _month(cell: Cell) -> str:
    return f"{cell.date:%Y-%m}"


def _by_month(cell: Cell) -> tuple[str, str, dt.date]:
    return _month(cell), cell.symbol, cell.date


def _days(cells: Sequence[Cell], console: Console) -> Text:
    """One symbol's month: a character a day, at its place."""
    text = Text(" " * (cells[0].date.day - 1 if cells else 0))
    for state, group in groupby(cells, lambda cell: cell.state):
        text.append(_mark(state, console) * len(list(group)), _MARKS[state][2])
    text.pad_right(_WIDTH - text.cell_len)
    return text


def _mark(state: str, console: Console) -> str:
    plain = not console.encoding.lower().startswith("utf")
    return _MARKS[state][1 if plain else 0]


def _legend(cells: Sequence[Cell], console: Console) -> Text:
    counts = Counter(cell.state for cell in cells)
    parts: Iterator[Text] = (
        Text.assemble((_mark(state, console), style), f" {words} {counts[state]:,}")
        for state, (_, _, style, words) in _MARKS.items()
        if counts[state]
    )
    return Text("   ").join(parts)
