"""What is missing and what only looks so: empty sessions, ids, gaps, halts, nights."""

from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest

from market_data.domain.account import Account
from market_data.domain.checks.completeness import CHECK
from market_data.domain.ports.check import Finding
from market_data.domain.time import NS_PER_MINUTE
from market_data_tests.partition_view import DELIVERIES, START, MemoryView, bar, flat_bar, frame, nothing, quote, trade

BUSY = range(0, 240 * 60, 5)
"""Seconds of the first four hours, a row each."""
GAP = range(120 * 60, 150 * 60)


def ticks(seconds: Sequence[int], **values: Any) -> pl.DataFrame:
    rows = [trade(n, ts_event=START + at * 1_000_000_000, **values) for n, at in enumerate(seconds)]
    return frame("trades", rows)


def quotes(seconds: Sequence[int]) -> pl.DataFrame:
    return frame("quotes", [quote(n, ts_event=START + at * 1_000_000_000) for n, at in enumerate(seconds)])


def without_gap(seconds: Sequence[int] = BUSY) -> list[int]:
    return [at for at in seconds if at not in GAP]


def rules(view: MemoryView) -> dict[tuple[str, str], Finding]:
    failed = [finding for finding in CHECK.run(view) if not finding.passed]
    return {(finding.table, finding.detail["rule"]): finding for finding in failed}


def alone(seconds: Sequence[int], **more: Any) -> MemoryView:
    """Trades without ids, and nothing beside them."""
    return MemoryView(
        {"trades": ticks(seconds)}, tables=("trades",), deliveries={"trades": DELIVERIES["quotes"]}, **more
    )


@pytest.mark.parametrize("table", ["trades", "quotes", "vendor_candles"])
def test_a_session_without_a_row_is_found_and_a_holiday_is_not(table: str):
    assert set(rules(MemoryView({table: nothing(table)}))) == {(table, "empty_session")}
    assert rules(MemoryView({table: nothing(table)}, has_session=False)) == {}


def test_ids_that_stand_in_quarantine_are_not_missing():
    account = Account(10, 6, rejected=4, first_id=100, last_id=110, id_holes=5)
    aside = pl.DataFrame({"table": ["trades"] * 4, "rule": ["price_is_positive"] * 3 + ["identity_is_unique"]})
    view = MemoryView({"trades": ticks(range(6)), "quarantine": aside}, accounts={"trades": account})
    assert rules(view)["trades", "missing_ids"].measured == 2.0


def test_what_the_vendor_says_is_repeated():
    notes = {"trades": {"condition": "missing", "remarks": ["the vendor has no data of the day"]}}
    finding = rules(MemoryView({"trades": ticks(range(6))}, notes=notes))["trades", "vendor_calls_it_bad"]
    assert (finding.severity, finding.detail["remarks"]) == ("warning", ["the vendor has no data of the day"])


def test_a_gap_of_quotes_is_found_while_trades_go_on():
    found = rules(MemoryView({"quotes": quotes(without_gap()), "trades": ticks(BUSY)}))
    assert set(found) == {("quotes", "gaps")}
    assert found["quotes", "gaps"].severity == "error"
    assert found["quotes", "gaps"].detail["first"][0]["from"] == "2024-05-08T01:59:55.000000000Z"


def test_a_gap_of_trades_is_told_by_a_hole_in_the_ids():
    with_hole = ticks(BUSY).filter(~pl.col("ts_event").is_in([START + at * 1_000_000_000 for at in GAP]))
    assert ("trades", "gaps") in rules(MemoryView({"trades": with_hole}, tables=("trades",)))
    assert rules(MemoryView({"trades": ticks(without_gap())}, tables=("trades",))) == {}  # ids run on: a halt


@pytest.mark.parametrize(("volume", "lost"), [("5", True), ("0", False)])
def test_a_gap_of_trades_is_told_by_the_vendors_own_bars(volume: str, lost: bool):
    bars = [bar(minute) if not 120 <= minute < 150 else flat_bar(minute, volume=volume) for minute in range(240)]
    rows = {"trades": ticks(without_gap()), "vendor_candles": frame("vendor_candles", bars)}
    view = MemoryView(rows, tables=("trades", "vendor_candles"), deliveries={"trades": DELIVERIES["quotes"]})
    assert (("trades", "gaps") in rules(view)) is lost


def test_trades_and_quotes_that_fall_silent_together_are_halted():
    both = {"quotes": quotes(without_gap()), "trades": ticks(without_gap())}
    view = MemoryView(both, tables=("trades", "quotes"), deliveries={**DELIVERIES, "trades": DELIVERIES["quotes"]})
    assert rules(view) == {}


def test_a_silence_that_nothing_explains_is_a_warning_only_if_it_is_long():
    assert rules(alone(without_gap())) == {}
    long = [*range(0, 4 * 3_600, 5), *range(7 * 3_600, 11 * 3_600, 5)]
    assert rules(alone(long))["trades", "unexplained_silences"].severity == "warning"


def test_a_break_between_sessions_is_no_silence():
    long = [*range(0, 4 * 3_600, 5), *range(7 * 3_600, 11 * 3_600, 5)]
    hours = [(START + a * 60 * NS_PER_MINUTE, START + b * 60 * NS_PER_MINUTE) for a, b in ((0, 4), (7, 11))]
    assert rules(alone(long, hours=hours)) == {}


def test_a_quiet_night_and_an_illiquid_symbol_have_no_gaps():
    assert rules(alone([*range(0, 3_600, 5), *range(10 * 3_600, 10 * 3_600 + 3_600, 600)])) == {}
    assert rules(alone(range(0, 86_400, 1_700))) == {}
