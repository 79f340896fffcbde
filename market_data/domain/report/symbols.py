"""A section a symbol: its figures, its candles with what is missing and found, the days that do not pass."""

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import groupby

from market_data.domain.report._html import DOT, GRAVE, anchor, counted, day, esc, percent, severity, table
from market_data.domain.report.chart import chart, count_marks
from market_data.domain.report.model import Cell, Fault, FeedReport


def symbols(feed: FeedReport) -> Iterator[str]:
    """Yield a section a symbol: figures, candles with what is missing and found, the days that do not pass."""
    for symbol in feed.symbols:
        cells = [cell for cell in feed.cells if cell.symbol == symbol]
        faults = [fault for fault in feed.faults if fault.symbol == symbol]
        yield (
            f'<section class="symbol" id="{anchor(feed.name, symbol)}"><h3>{esc(symbol)} '
            f"<small>{esc(feed.name)}</small></h3><p>{_sums(cells)}</p>{_picture(feed, symbol, cells, faults)}"
            f"{_days(cells, faults)}</section>"
        )


def _sums(cells: Sequence[Cell]) -> str:
    states = [cell.state for cell in cells]
    there = sum(state in {"judged", "not_judged"} for state in states)
    expected = sum(state != "no_session" for state in states)
    failed = sum(cell.not_passed > 0 for cell in cells)
    wholes = [cell.whole for cell in cells if cell.whole is not None]
    mean = f"mean score {percent(sum(wholes) / len(wholes))}" if wholes else "not judged"
    parts = [f"{there:,} of {counted(expected, 'day')} there", f"{failed:,} with findings that do not pass", mean]
    parts += [f"{sum(cell.rows for cell in cells):,} rows", f"{sum(cell.set_aside for cell in cells):,} set aside"]
    return DOT.join(parts)


def _picture(feed: FeedReport, symbol: str, cells: Sequence[Cell], faults: Sequence[Fault]) -> str:
    candles = feed.candles.get(symbol)
    if candles is None:
        return '<p class="faint">No candles are drawn.</p>'
    label = f"{symbol}, {candles.of}, {day(feed.first)} to {day(feed.last)}"
    named, drawn = count_marks(faults)
    parts = [esc(candles.of), "times in UTC"]
    if any(cell.not_passed for cell in cells):
        parts.append('<i class="key failed"></i>a day with findings that do not pass')
    if any(cell.state == "missing" for cell in cells):
        parts.append('<i class="key missing"></i>a missing day')
    if named:
        parts.append("\N{BLACK DOWN-POINTING TRIANGLE} what a finding names")
    if drawn < named:
        parts.append(f"the first {drawn:,} of {named:,} are drawn")
    caption = DOT.join(parts)
    return f"<figure>{chart(candles, cells, faults, label)}<figcaption>{caption}</figcaption></figure>"


def _days(cells: Sequence[Cell], faults: Sequence[Fault]) -> str:
    """Return the days that are missing, in runs, and those that do not pass, with the names of what was found."""
    parts: list[str] = []
    if missing := [cell.date for cell in cells if cell.state == "missing"]:
        parts.append(f"<p>Missing: {', '.join(_runs(missing))}.</p>")
    by_day = {date: list(group) for date, group in groupby(sorted(faults, key=_fault_day), key=_fault_day)}
    rows = [
        f"<tr><td>{day(cell.date)}</td><td class=n>{percent(cell.whole)}</td>"
        f"<td>{', '.join(_names(by_day.get(cell.date, [])))}</td></tr>"
        for cell in cells
        if cell.not_passed
    ]
    if rows:
        parts.append(table("days", ("day", "score#", "findings that do not pass"), rows))
    return "".join(parts)


def _fault_day(fault: Fault) -> dt.date:
    return fault.date


def _names(faults: Sequence[Fault]) -> list[str]:
    counts: dict[tuple[str, str, str], int] = {}
    for fault in faults:
        key = (fault.severity, fault.check, fault.table)
        counts[key] = counts.get(key, 0) + 1
    ordered = sorted(counts.items(), key=lambda pair: (GRAVE[pair[0][0]], pair[0]))
    return [
        f"{severity(grave)} {esc(check)} of {esc(of)}{f' ({n} times)' if n > 1 else ''}"
        for (grave, check, of), n in ordered
    ]


def _runs(dates: Sequence[dt.date]) -> Iterator[str]:
    """Yield days in a row as one range."""
    for _, group in groupby(enumerate(dates), lambda pair: pair[1].toordinal() - pair[0]):
        run = [date for _, date in group]
        yield day(run[0]) if len(run) == 1 else f"{day(run[0])} to {day(run[-1])} ({len(run)} days)"
