"""A report made by hand, in which something of everything is told."""

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any

import polars as pl

from market_data.domain.report import (
    Candles,
    Cell,
    Changes,
    Fault,
    FeedReport,
    Moved,
    Replaced,
    Report,
    SetAside,
    State,
    Totals,
)
from market_data.domain.time import NS_PER_HOUR, day_start

MADE_AT = dt.datetime(2024, 3, 1, 9, 30, tzinfo=dt.UTC)
STANDARD = {"completeness": 0.95, "quality": 0.9, "consistency": 0.95}
FIRST = dt.date(2024, 1, 15)
GAP = {"from": "2024-01-23T03:00:00.000000000Z", "to": "2024-01-23T09:30:00.000000000Z", "seconds": 23400}


def report_of(*feeds: FeedReport, left_out: Sequence[str] = ()) -> Report:
    return Report(MADE_AT, "market-data test", feeds, left_out)


def feed_report(name: str = "sim", **changes: Any) -> FeedReport:
    """An empty feed of no day, with some fields changed."""
    empty: dict[str, Any] = {"description": "", "source": "test", "first": FIRST, "last": FIRST, "standard": STANDARD}
    empty |= {"totals": [], "cells": [], "faults": [], "set_aside": [], "changes": None, "candles": {}}
    return FeedReport(name, **(empty | changes))


def cell(symbol: str, day: dt.date, whole: float | None = 1.0, state: State = "judged", not_passed: int = 0) -> Cell:
    if state != "judged":
        return Cell(symbol, day, state)
    scores = {"completeness": whole, "quality": whole, "consistency": None, "whole": whole}
    return Cell(symbol, day, state, scores, passed=not not_passed, not_passed=not_passed, rows=1_234, set_aside=7)


def fault(symbol: str, day: dt.date, **changes: Any) -> Fault:
    told: dict[str, Any] = {"check": "gaps", "table": "trades", "severity": "error", "measured": 2.0, "threshold": 0.0}
    told |= {"detail": {"unit": "gaps", "share": 0.25, "first": [GAP]}}
    return Fault(symbol, day, **(told | changes))


def candles(first: dt.date, days: int, missing: Sequence[int] = ()) -> Candles:
    """Candles of an hour; some days without."""
    hours = [n for n in range(24 * days) if n // 24 not in missing]
    close = [100 + 8 * math.sin(n / 17) + math.sin(n * 1.7) for n in hours]
    bars = {"ts_open": [day_start(first) + n * NS_PER_HOUR for n in hours]}
    open_ = [value + math.cos(n) / 2 for n, value in zip(hours, close, strict=True)]
    prices = {
        "open": open_,
        "high": [max(pair) + 0.4 for pair in zip(open_, close, strict=True)],
        "low": [min(pair) - 0.4 for pair in zip(open_, close, strict=True)],
        "close": close,
        "volume": [abs(math.sin(n / 5)) * 10 for n in hours],
    }
    return Candles(pl.DataFrame({**bars, **prices}), NS_PER_HOUR, "1h candles")


def state_of(n: int) -> tuple[State, float | None, int]:
    """Something of everything within a fortnight."""
    if n % 7 in {5, 6}:
        return "no_session", None, 0
    return {3: ("missing", None, 0), 8: ("judged", 0.62, 3), 11: ("not_judged", None, 0), 9: ("judged", 0.3, 1)}.get(
        n % 14, ("judged", 1 - n % 4 * 0.04, 0)
    )  # type: ignore[return-value]


def full_feed(name: str = "sim", symbols: Sequence[str] = ("AAA-USD", "BBB-USD"), days: int = 31) -> FeedReport:
    """Every section has something to say."""
    dates = [FIRST + dt.timedelta(days=n) for n in range(days)]
    cells: list[Cell] = []
    for symbol in symbols:
        for n, date in enumerate(dates):
            state, whole, not_passed = state_of(n)
            cells.append(cell(symbol, date, whole, state, not_passed))
    faults = [fault(each.symbol, each.date) for each in cells if each.not_passed]
    faults += [
        fault(symbol, dates[0], detail={"note": "late", "first": [{"ts_event": f"{dates[1]}T12:00:00Z"}]})
        for symbol in symbols
    ]
    without = [n for n in range(days) if state_of(n)[0] in {"missing", "no_session"}]
    moved = [Moved(symbols[0], dates[0], 0.5, 1.0), Moved(symbols[-1], dates[1], 0.99, 0.7)]
    replaced = [Replaced("trades", symbols[0], dates[0], 1, 2, 1_000, 1_010, MADE_AT)]
    return feed_report(
        name,
        description="Something of everything",
        last=dates[-1],
        totals=[Totals("trades", len(cells), 123_456, 7_890_123)],
        cells=cells,
        faults=faults,
        set_aside=[
            SetAside("trades", "price_is_positive", 12, 3, symbols, 4, "price is -1", '{"p":"-1"}', "a.csv, record 9")
        ],
        changes=Changes(MADE_AT - dt.timedelta(days=1), replaced, moved, {"quotes": 4}, 2),
        candles={symbol: candles(FIRST, days, without) for symbol in symbols},
        remark="Nothing is there after 2024-02-14.",
    )
