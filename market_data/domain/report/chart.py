"""The candles of a symbol as SVG on an axis of time, with what is missing and what was found drawn on them.

Unlike `domain.charts`, a gap in time takes its room here. Days without a session and without candles are left out.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from market_data.domain.charts import candle_path, price_ticks, scale
from market_data.domain.report._html import counted, day, esc, number
from market_data.domain.report.model import Candles, Cell, Fault
from market_data.domain.report.words import Mark, marks
from market_data.domain.time import NS_PER_DAY, NS_PER_HOUR, day_start, to_datetime

_WIDTH, _HEIGHT = 1120, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 8, 1120 - 76, 24, 330 - 30
_PRICES_END = 236
_MARKS_AT = _TOP + 8
_LABEL_WIDTH = 58
_MOST_MARKS = 200
_HOURS = (1, 2, 3, 6, 12)


@dataclass(frozen=True, slots=True)
class _Axis:
    """Days side by side, each as wide as another."""

    days: Mapping[int, int]
    pitch: float

    def x(self, ns: int) -> float | None:
        """Return where an instant stands; None where its day is not shown."""
        n = self.days.get(ns // NS_PER_DAY)
        return None if n is None else _LEFT + (n + ns % NS_PER_DAY / NS_PER_DAY) * self.pitch


def chart(candles: Candles, cells: Sequence[Cell], faults: Sequence[Fault], label: str) -> str:
    """Return the picture.

    Args:
        cells: the symbol's, every day.
        faults: the symbol's findings that do not pass.
        label: what it shows, as plain text.
    """
    axis = _axis(candles, cells, faults)
    body = [*_bands(axis, cells), *_drawn(candles, axis), *_marks(axis, faults)]
    return (
        f'<svg class="candles" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{esc(label)}">'
        f"{''.join(body)}</svg>"
    )


def _axis(candles: Candles, cells: Sequence[Cell], faults: Sequence[Fault]) -> _Axis:
    needed = set((candles.bars["ts_open"] // NS_PER_DAY).to_list())
    needed |= {mark.start // NS_PER_DAY for fault in faults for mark in marks(fault.detail)}
    shown = {day_start(cell.date) // NS_PER_DAY: cell.state for cell in cells}
    days = [each for each, state in sorted(shown.items()) if state != "no_session" or each in needed]
    return _Axis({epoch_day: n for n, epoch_day in enumerate(days)}, (_RIGHT - _LEFT) / max(1, len(days)))


def _bands(axis: _Axis, cells: Sequence[Cell]) -> Iterator[str]:
    for cell in cells:
        x = axis.x(day_start(cell.date))
        if x is None or cell.state == "no_session" or not (cell.state == "missing" or cell.not_passed):
            continue
        kind = "missing" if cell.state == "missing" else "failed"
        words = "missing" if kind == "missing" else f"{counted(cell.not_passed, 'finding')} not passed"
        yield (
            f'<g class="{kind}"><title>{esc(day(cell.date))}: {words}</title>'
            f'<rect x="{x:.1f}" y="{_TOP}" width="{axis.pitch:.1f}" height="{_BOTTOM - _TOP}"/>'
            f"{_strokes(x, axis.pitch) if kind == 'missing' else ''}"
        )
        if axis.pitch > _LABEL_WIDTH:
            yield f'<text class="m" x="{x + axis.pitch / 2:.1f}" y="{_TOP - 8}">{words}</text>'
        yield "</g>"


def _strokes(x: float, width: float) -> str:
    """Slanted lines: a missing day is told without its colour."""
    count = max(1, int(width // 14))
    step, height = width / count, _BOTTOM - _TOP
    lines = "".join(f"M{x + n * step:.1f} {_BOTTOM}l{step:.1f} {-height}" for n in range(count))
    return f'<path d="{lines}"/>'


def _drawn(candles: Candles, axis: _Axis) -> Iterator[str]:
    bars = candles.bars
    times = bars["ts_open"].to_list()
    if not times:
        yield f'<text class="m" x="{_WIDTH // 2}" y="{_HEIGHT // 2}">no candles</text>'
        yield from _times(axis)
        return
    open_, high, low, close, volume = (
        bars[name].cast(pl.Float64).fill_null(0.0).to_list() for name in ("open", "high", "low", "close", "volume")
    )
    y = scale([*low, *high], _PRICES_END, _TOP + 20)
    yield from _prices(min(low), max(high), y)
    yield from _times(axis)
    width = candles.width_ns / NS_PER_DAY * axis.pitch
    half = max(0.4, min(width * 0.36, 9.0))
    unit = (_BOTTOM - _PRICES_END - 14) / (max(volume) or 1.0)
    middles = [(axis.x(time) or 0.0) + width / 2 for time in times]
    for kind, rising in (("u", True), ("f", False)):
        chosen = [n for n in range(len(times)) if (close[n] >= open_[n]) == rising]
        paths = [candle_path(middles[n], half, y(open_[n]), y(high[n]), y(low[n]), y(close[n])) for n in chosen]
        columns = [
            f"M{middles[n] - half:.1f} {_BOTTOM}v{-volume[n] * unit:.1f}h{2 * half:.1f}V{_BOTTOM}"
            for n in chosen
            if volume[n] > 0
        ]
        yield f'<path class="{kind}" d="{"".join(paths)}"/><path class="{kind} v" d="{"".join(columns)}"/>'


def _prices(low: float, high: float, y: Callable[[float], float]) -> Iterator[str]:
    for price, label in price_ticks(low, high):
        yield f'<path class="g" d="M{_LEFT} {y(price):.1f}H{_RIGHT}"/>'
        yield f'<text x="{_RIGHT + 6}" y="{y(price) + 4:.1f}">{label}</text>'


def _times(axis: _Axis) -> Iterator[str]:
    """Yield days, every so many that their labels have room; hours too, where a day has room for some."""
    every = max(1, -int(-_LABEL_WIDTH // axis.pitch))
    hours = next((each for each in _HOURS if axis.pitch * each / 24 >= _LABEL_WIDTH), 24)
    for epoch_day, n in axis.days.items():
        x = _LEFT + n * axis.pitch
        yield f'<path class="g" d="M{x:.1f} {_TOP}V{_BOTTOM + 4}"/>'
        if n % every == 0:
            date = to_datetime(epoch_day * NS_PER_DAY)
            yield f'<text class="d" x="{x + 3:.1f}" y="{_HEIGHT - 10}">{date.day} {date:%b}</text>'
        for hour in range(hours, 24, hours):
            at = x + axis.pitch * hour / 24
            yield f'<path class="g" d="M{at:.1f} {_BOTTOM}v4"/>'
            yield f'<text class="m" x="{at:.1f}" y="{_HEIGHT - 10}">{hour:02}:00</text>'


def _marks(axis: _Axis, faults: Sequence[Fault]) -> Iterator[str]:
    """Yield a triangle at an instant, a bar over a range; the first ones, where there are very many."""
    said: dict[Mark, set[str]] = {}
    for fault in faults:
        for mark in marks(fault.detail):
            said.setdefault(mark, set()).add(f"{fault.check} of {fault.table}")
    for mark in sorted(said)[:_MOST_MARKS]:
        start, end = axis.x(mark.start), axis.x(mark.end)
        if start is None:
            continue
        title = f"<title>{esc(_when(mark))}: {esc(', '.join(sorted(said[mark])))}</title>"
        if end is not None and mark.end - mark.start >= NS_PER_HOUR / 60:
            width = max(2.0, end - start)
            place = f'x="{start:.1f}" y="{_MARKS_AT - 5}" width="{width:.1f}" height="7"'
            yield f'<rect class="range" {place}>{title}</rect>'
        else:
            yield f'<path class="at" d="M{start:.1f} {_MARKS_AT + 3}l-4 -8h8z">{title}</path>'


def _when(mark: Mark) -> str:
    start, end = to_datetime(mark.start), to_datetime(mark.end)
    if mark.start == mark.end:
        return f"{day(start.date())} {start:%H:%M:%S}"
    return f"{day(start.date())} {start:%H:%M:%S} to {end:%H:%M:%S} ({_long(end - start)})"


def _long(length: dt.timedelta) -> str:
    return f"{number(round(length.total_seconds(), 3))} s"


def count_marks(faults: Sequence[Fault]) -> tuple[int, int]:
    """Return how many instants and ranges the findings name, and how many of them are drawn."""
    distinct = {mark for fault in faults for mark in marks(fault.detail)}
    return len(distinct), min(len(distinct), _MOST_MARKS)
