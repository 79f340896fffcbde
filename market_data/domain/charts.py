"""Candles as SVG text, for people: a candlestick chart and a sparkline. Pictures only: here prices may become floats.

Rising candles are hollow and falling ones filled, so that they differ without their colours.
"""

import datetime as dt
import math
from collections.abc import Callable, Iterator, Sequence

import polars as pl

from market_data.domain.time import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, to_datetime

_WIDTH, _HEIGHT = 1200, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 14, 1200 - 84, 44, 400 - 28
_PRICES_END = 290
_LABEL_WIDTH = 64
_COLUMNS = ("open", "high", "low", "close", "volume")
_STEPS_NS = (
    *(n * NS_PER_MINUTE for n in (1, 5, 15, 30)),
    *(n * NS_PER_HOUR for n in (1, 2, 3, 6, 12)),
    *(n * NS_PER_DAY for n in (1, 2, 7, 14, 28, 91, 364)),
)
_STYLE = """
.c{--paper:#fff;--ink:#1f2937;--faint:#6b7280;--grid:#e5e7eb;--up:#15803d;--down:#c81e1e}
@media(prefers-color-scheme:dark){.c{--paper:#111827;--ink:#e5e7eb;--faint:#9ca3af;--grid:#293241;--up:#4ade80;--down:#f87171}}
.c text{font:12px system-ui,sans-serif;fill:var(--faint)}.c .t{font-size:16px;font-weight:600;fill:var(--ink)}
.c .d{font-weight:600;fill:var(--ink)}.c .g{stroke:var(--grid)}.c .e{text-anchor:end}.c .m{text-anchor:middle}
.c .u{stroke:var(--up);fill:var(--paper)}.c .f{stroke:var(--down);fill:var(--down)}.c .v{opacity:.55}
"""


def candlesticks(bars: pl.DataFrame, title: str) -> str:
    """Return a candlestick chart with volumes, times in UTC; light or dark as the reader's system is.

    Args:
        bars: ts_open (ns since the epoch), open, high, low, close and volume of one instrument and timeframe, in order
            of time; each has the same width, so a gap in time takes no room.
        title: what it shows, as plain text.
    """
    body = [f'<text class="t" x="{_LEFT}" y="24">{_escaped(title)}</text>']
    if len(bars):
        body += _drawn(bars)
    else:
        body.append(f'<text class="m" x="{_WIDTH // 2}" y="{_HEIGHT // 2}">no candles</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="c" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">'
        f"<title>{_escaped(title)}</title><style>{_STYLE}</style>"
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="var(--paper)"/>{"".join(body)}</svg>'
    )


def page(title: str, charts: Sequence[str]) -> str:
    """Return a HTML page of charts, one below the other."""
    style = "body{margin:0 auto;max-width:1200px}@media(prefers-color-scheme:dark){body{background:#111827}}"
    head = f'<meta charset="utf-8"><title>{_escaped(title)}</title><style>{style}</style>'
    return "\n".join((f"<!doctype html><html lang=en>{head}", *charts, "</html>\n"))


def sparkline(bars: pl.DataFrame, width: int = 400, height: int = 80, points: int = 100) -> str:
    """Closes as a line over volumes, under 2 kB whatever comes in; for light and dark backgrounds alike.

    Args:
        bars: close and volume, in order of time.
    """
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    if not len(bars):
        return f'{head}<text x="8" y="20" fill="#888">no bars</text></svg>'
    count = min(points, len(bars))
    frame = bars.select(_float("close"), _float("volume"))
    group = (pl.int_range(pl.len()) * count // len(frame)).alias("group")
    thin = frame.group_by(group, maintain_order=True).agg(pl.col("close").last(), pl.col("volume").sum())
    closes, volumes = thin["close"].to_list(), thin["volume"].to_list()
    top = max(volumes) or 1.0
    y = scale(closes, height - 24, 4)
    line = " ".join(f"{_middle(n, count, width)},{y(close):.0f}" for n, close in enumerate(closes))
    edges = [f"H{n * width // count}V{height - 20 * volume / top:.0f}" for n, volume in enumerate(volumes)]
    return (
        f'{head}<path fill="#9ca3af" d="M0 {height}{"".join(edges)}H{width}V{height}z"/>'
        f'<polyline fill="none" stroke="#3b82f6" stroke-width="1.5" points="{line}"/></svg>'
    )


def score_bars(scores: Sequence[tuple[str, float | None, float | None]], width: int = 320) -> str:
    """Return scores from 0 to 1 as bars with their thresholds, under 2 kB; for light and dark backgrounds alike.

    Args:
        scores: name, score (None: nothing was judged) and threshold (None: there is none) of each.
    """
    left, row = 92, 22
    room = width - left - 48
    texts: list[str] = []
    paths = {"#8884": "", "#22a06b": "", "#d9480f": "", "#888": ""}
    for n, (name, score, threshold) in enumerate(scores):
        y = n * row + 4
        good = score is not None and (threshold is None or score >= threshold)
        label = "-" if score is None else f"{score:.3f}"
        texts += [f'<text y="{y + 13}">{_escaped(name)}</text>', f'<text x="{width - 42}" y="{y + 13}">{label}</text>']
        paths["#8884"] += f"M{left} {y}h{room}v16h-{room}z"
        paths["#22a06b" if good else "#d9480f"] += f"M{left} {y}h{room * (score or 0):.0f}v16H{left}z"
        if threshold is not None:
            paths["#888"] += f"M{left + room * threshold:.0f} {y - 2}h1v20h-1z"
    drawn = "".join(f'<path fill="{colour}" d="{path}"/>' for colour, path in paths.items() if path)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{row * len(scores) + 4}">{drawn}'
        f'<g fill="#888" font-size="12">{"".join(texts)}</g></svg>'
    )


def _drawn(bars: pl.DataFrame) -> Iterator[str]:
    open_, high, low, close, volume = (bars.select(_float(c))[c].to_list() for c in _COLUMNS)
    pitch = (_RIGHT - _LEFT) / len(bars)
    lowest, highest, most = min(low), max(high), max(volume)
    y = scale([lowest, highest], _PRICES_END, _TOP)
    yield from _axes(bars["ts_open"].to_list(), pitch, lowest, highest, y)
    yield f'<text x="{_RIGHT + 8}" y="{_PRICES_END + 24}">vol {_short(most)}</text>'
    summary = f"volume {_short(sum(volume))} · low {lowest:,.10g} · high {highest:,.10g} · last {close[-1]:,.10g}"
    yield f'<text class="e" x="{_RIGHT}" y="24">{summary}</text>'
    half = max(0.5, min(9.0, pitch * 0.36))
    unit = (_BOTTOM - _PRICES_END - 12) / (most or 1.0)
    for kind, rising in (("u", True), ("f", False)):
        chosen = [(n, _LEFT + (n + 0.5) * pitch) for n in range(len(bars)) if (close[n] >= open_[n]) == rising]
        candles = [candle_path(x, half, y(open_[n]), y(high[n]), y(low[n]), y(close[n])) for n, x in chosen]
        yield f'<path class="{kind}" d="{"".join(candles)}"/>'
        columns = [f"M{x - half:.1f} {_BOTTOM}v{-volume[n] * unit:.1f}h{2 * half:.1f}V{_BOTTOM}" for n, x in chosen]
        yield f'<path class="{kind} v" d="{"".join(columns)}"/>'


def _axes(
    times: Sequence[int], pitch: float, lowest: float, highest: float, y: Callable[[float], float]
) -> Iterator[str]:
    for price, label in price_ticks(lowest, highest):
        yield f'<path class="g" d="M{_LEFT} {y(price):.1f}H{_RIGHT}"/>'
        yield f'<text x="{_RIGHT + 8}" y="{y(price) + 4:.1f}">{label}</text>'
    for n, label, is_day in _time_ticks(times, pitch):
        x = _LEFT + n * pitch
        yield f'<path class="g" d="M{x:.1f} {_TOP}V{_BOTTOM}"/>'
        yield f'<text class="m{" d" if is_day else ""}" x="{max(x, 34):.1f}" y="{_HEIGHT - 9}">{label}</text>'


def candle_path(x: float, half: float, open_: float, high: float, low: float, close: float) -> str:
    """Return a candle as the commands of a path, from places on the picture: x, half its width, and heights."""
    top, bottom = sorted((open_, close))
    wicks = f"M{x:.1f} {high:.1f}V{top:.1f}M{x:.1f} {bottom:.1f}V{low:.1f}"
    return f"{wicks}M{x - half:.1f} {top:.1f}h{2 * half:.1f}V{bottom:.1f}h{-2 * half:.1f}z"


def price_ticks(low: float, high: float) -> Iterator[tuple[float, str]]:
    """About six round prices between low and high."""
    span = high - low or abs(high) * 0.01 or 1.0
    power = 10.0 ** math.floor(math.log10(span / 6))
    step = next(n * power for n in (1, 2, 5, 10) if n * power >= span / 6)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    for n in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1):
        yield n * step, f"{n * step:,.{digits}f}"


def _time_ticks(times: Sequence[int], pitch: float) -> Iterator[tuple[int, str, bool]]:
    """Yield bars at which a round time begins, with room for labels between: number, label, is a day's first."""
    room = max(1.0, len(times) * pitch / _LABEL_WIDTH)
    span = times[-1] - times[0]
    step = next((step for step in _STEPS_NS if span / step <= room), _STEPS_NS[-1])
    last = -math.inf
    for n, time in enumerate(times):
        before = times[n - 1] if n else time - 1
        new_day, is_round = time // NS_PER_DAY != before // NS_PER_DAY, time // step != before // step
        if (new_day or is_round) and (n - last) * pitch >= _LABEL_WIDTH:
            last = n
            yield n, _time_label(to_datetime(time), new_day, step), new_day


def _time_label(time: dt.datetime, is_day: bool, step: int) -> str:
    if step >= 28 * NS_PER_DAY:
        return f"{time:%b %Y}"
    return f"{time.day} {time:%b}" if is_day else f"{time:%H:%M}"


def scale(values: Sequence[float], bottom: float, top: float) -> Callable[[float], float]:
    """From a value to its height on the picture."""
    low, high = min(values), max(values)
    span = high - low
    return lambda value: (bottom + top) / 2 if not span else bottom - (value - low) / span * (bottom - top)


def _float(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Float64).fill_null(0.0)


def _middle(n: int, count: int, width: int) -> int:
    return round((n + 0.5) * width / count)


def _short(value: float) -> str:
    for unit, size in (("bn", 1e9), ("m", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
