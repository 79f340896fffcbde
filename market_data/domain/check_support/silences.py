"""Silences of a table of ticks between busy times, and what else in the partition says of them. No verdicts."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import polars as pl

from market_data.domain.check_support.minutes import KEYS
from market_data.domain.ports.check import PartitionView
from market_data.domain.time import NS_PER_MINUTE

_TICKS = ("trades", "quotes")


@dataclass(frozen=True, slots=True)
class Silence:
    """No row of an instrument from `start` to `end`, ns since the epoch, both within one session.

    Attributes:
        inner: rows stand on both sides; else it reaches to the session's or the day's edge on one.
    """

    instrument_id: str | None
    publisher_id: int | None
    start: int
    end: int
    inner: bool

    @property
    def seconds(self) -> float:
        """Return how long it is."""
        return (self.end - self.start) / 1e9


def silences(view: PartitionView, table: str, least_ns: int, busy_rows: int) -> list[Silence]:
    """Return silences of `least_ns` or more beside which, for as long a time, at least so many rows came.

    Longest first.

    That is the instrument's own rhythm, there and then: an illiquid one is never busy enough, a quiet night between
    busy hours is longer than its neighbourhood is busy, and a whole day's average would know neither.
    """
    minutes = view.minutes(table)
    totals = minutes.group_by(KEYS, maintain_order=True).agg(pl.col("rows").sum())
    found: list[Silence] = []
    for key in totals.filter(pl.col("rows") >= 2 * busy_rows).select(KEYS).iter_rows():
        same = [pl.col(name).eq_missing(value) for name, value in zip(KEYS, key, strict=True)]
        of_key = minutes.filter(*same)
        found += _of_one(view, of_key, key, least_ns, busy_rows)
    return sorted(found, key=lambda silence: (silence.start - silence.end, silence.start))


def _of_one(
    view: PartitionView, minutes: pl.DataFrame, key: tuple[Any, ...], least_ns: int, busy_rows: int
) -> Iterator[Silence]:
    firsts, lasts = minutes["first_ns"].to_list(), minutes["last_ns"].to_list()
    starts, sums = [at * NS_PER_MINUTE for at in minutes["minute"].to_list()], [0, *accumulate(minutes["rows"])]

    def rows(start: int, end: int) -> int:
        """Of the minutes that begin within."""
        return sums[bisect_right(starts, end)] - sums[bisect_left(starts, start)]

    for start, end, inner in _candidates(view, firsts, lasts, least_ns):
        length = end - start
        before, after = rows(start - length, start), rows(end - NS_PER_MINUTE + 1, end + length)
        if min(before, after) >= busy_rows if inner else max(before, after) >= busy_rows:
            yield Silence(key[0], key[1], start, end, inner)


def _candidates(
    view: PartitionView, firsts: Sequence[int], lasts: Sequence[int], least_ns: int
) -> Iterator[tuple[int, int, bool]]:
    """Within each session: between the rows, and from its edges to the rows."""
    for opens, closes in view.sessions:
        first, last = bisect_left(firsts, opens), bisect_left(firsts, closes)
        if first == last:
            continue
        inner = ((lasts[n - 1], firsts[n], True) for n in range(first + 1, last))
        edges = ((opens, firsts[first], False), (min(lasts[last - 1], closes), closes, False))
        yield from (each for each in (*inner, *edges) if each[1] - each[0] >= least_ns)


def witness(view: PartitionView, table: str, silence: Silence, busy_rows: int) -> str:
    """Return what shows that rows were `lost`, or that nothing was to be had (`halt`); `none` where nothing tells."""
    said = [_by_ids(view, table, silence), _by_bars(view, table, silence), _by_ticks(view, table, silence, busy_rows)]
    return next((word for word in said if word is not None), "none")


def _by_ids(view: PartitionView, table: str, silence: Silence) -> str | None:
    """Running ids that go on without a hole: the vendor has nothing in between."""
    delivery = view.delivery(table)
    if delivery is None or not delivery.running_id or not silence.inner:
        return None
    clock, name = delivery.clock or "ts_event", delivery.identity[0]
    edges = view.scan(table).filter(pl.col(clock).is_in([silence.start, silence.end]))
    ids = sorted(edges.select(pl.col(name).cast(pl.Int64, strict=False)).drop_nulls().collect()[name].to_list())
    jumps = [after - before for before, after in pairwise(ids)]
    return None if not jumps else "lost" if max(jumps) > 1 else "halt"


def _by_bars(view: PartitionView, table: str, silence: Silence) -> str | None:
    """Return the vendor's own bars of the time, for trades."""
    if table != "trades" or "vendor_candles" not in view.tables or view.facts("vendor_candles") is None:
        return None
    bars = view.scan("vendor_candles").filter(pl.col("kind") == "time", pl.col("timeframe") == "1m")
    if silence.instrument_id is not None:
        bars = bars.filter(pl.col("instrument_id") == silence.instrument_id)
    inside = pl.col("ts_open").is_between(silence.start, silence.end - NS_PER_MINUTE)
    counted = bars.select(bars=pl.len(), traded=(inside & (pl.col("volume") > 0)).sum()).collect().row(0, named=True)
    return None if not counted["bars"] else "lost" if counted["traded"] else "halt"


def _by_ticks(view: PartitionView, table: str, silence: Silence, busy_rows: int) -> str | None:
    """Return trades for quotes and quotes for trades: whether they went on."""
    others = [name for name in _TICKS if name != table and name in view.tables and view.facts(name) is not None]
    if table not in _TICKS or not others:
        return None
    minutes = view.minutes(others[0])
    if silence.instrument_id is not None and minutes["instrument_id"].null_count() < len(minutes):
        minutes = minutes.filter(pl.col("instrument_id") == silence.instrument_id)
    start, end = -(-silence.start // NS_PER_MINUTE), silence.end // NS_PER_MINUTE
    rows = int(minutes.filter(pl.col("minute").is_between(start, end - 1))["rows"].sum())
    if rows >= busy_rows:
        return "lost"
    return "halt" if len(minutes) and rows == 0 and silence.inner else None
