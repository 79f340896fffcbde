"""The calendar of a feed: a block a month, a row a symbol, a column a day. Every state differs without its colour."""

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import groupby

from market_data.domain.report._html import anchor, day, esc, percent
from market_data.domain.report.model import Cell, FeedReport

_STEPS = (
    (1.0, "5", "100"),
    (0.95, "4", "95 or more"),
    (0.90, "3", "90 or more"),
    (0.75, "2", "75 or more"),
    (0.5, "1", "50 or more"),
)
_WORST = "0"
_SATURDAY = 5


def heat_map(feed: FeedReport) -> str:
    """Return the map with its legend; a cell links to its symbol's section and tells its figures as a title."""
    months = [(month, list(cells)) for month, cells in groupby(sorted(feed.cells, key=_by_month), key=_month)]
    blocks = "".join(_block(feed, month, cells) for month, cells in months)
    return f'<div class="heat">{blocks}</div>{_legend()}'


def _month(cell: Cell) -> dt.date:
    return cell.date.replace(day=1)


def _by_month(cell: Cell) -> tuple[dt.date, str, dt.date]:
    return _month(cell), cell.symbol, cell.date


def _block(feed: FeedReport, month: dt.date, cells: Sequence[Cell]) -> str:
    days = sorted({cell.date for cell in cells})
    heads = "".join(
        f'<th scope="col"{" class=we" if date.weekday() >= _SATURDAY else ""} title="{date:%A}, {esc(day(date))}">'
        f"{date.day}</th>"
        for date in days
    )
    rows = "".join(_row(feed, symbol, list(group)) for symbol, group in groupby(cells, lambda cell: cell.symbol))
    return (
        f'<table class="cal"><thead><tr><th scope="col" class="mo">{month:%B %Y}</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _row(feed: FeedReport, symbol: str, cells: Sequence[Cell]) -> str:
    link = f"#{anchor(feed.name, symbol)}"
    squares = "".join(
        f'<td class="{_class(cell)}"><a href="{link}" title="{esc(figures(cell))}">{_inside(cell)}</a></td>'
        for cell in cells
    )
    return f'<tr><th scope="row"><a href="{link}">{esc(symbol)}</a></th>{squares}</tr>'


def step(score: float) -> str:
    """Return the class of a score's colour, 0 (worst) to 5."""
    return next((name for least, name, _ in _STEPS if score >= least), _WORST)


def _class(cell: Cell) -> str:
    if cell.whole is None:
        return {"missing": "x", "no_session": "o"}.get(cell.state, "q")
    return f"h{step(cell.whole)}" + ("" if cell.passed else " bad")


def _inside(cell: Cell) -> str:
    if cell.whole is None:
        return {"missing": "\N{MULTIPLICATION SIGN}", "no_session": "\N{MIDDLE DOT}"}.get(cell.state, "?")
    return "100" if cell.whole >= 1 else str(int(cell.whole * 100 + 1e-6))


def figures(cell: Cell) -> str:
    """Return what is known of a partition, one line a figure."""
    return "\n".join((f"{cell.symbol}, {day(cell.date)}", *_figures(cell)))


def _figures(cell: Cell) -> Iterator[str]:
    if cell.state in {"missing", "no_session"}:
        yield "missing" if cell.state == "missing" else "no session"
        return
    if cell.whole is None:
        yield "not judged"
    for name, score in sorted(cell.scores.items(), key=lambda pair: pair[0] != "whole"):
        yield f"{name}: {percent(score)}"
    if cell.not_passed:
        yield f"findings that do not pass: {cell.not_passed}"
    yield f"rows: {cell.rows:,}"
    if cell.set_aside:
        yield f"set aside: {cell.set_aside:,}"


def _legend() -> str:
    scores = [f'<li><i class="h{name}"></i>{words}</li>' for _, name, words in _STEPS]
    scores.append(f'<li><i class="h{_WORST}"></i>less</li>')
    states = [
        '<li><i class="h4 bad"></i>a dimension below its threshold</li>',
        '<li><i class="x">\N{MULTIPLICATION SIGN}</i>missing</li>',
        '<li><i class="o">\N{MIDDLE DOT}</i>no session</li>',
        '<li><i class="q">?</i>not judged</li>',
    ]
    return f'<ul class="legend">{"".join((*scores, *states))}</ul>'
