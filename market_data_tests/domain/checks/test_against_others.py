"""Tables against each other: statistics, instruments, timeframes, the day before, another vendor."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest

from market_data.domain.account import Account
from market_data.domain.checks import check, cross_vendor, tape
from market_data.domain.ports.check import Finding, RevisionFacts
from market_data.domain.ports.source import Delivery
from market_data.domain.tables import table
from market_data.domain.time import NS_PER_HOUR
from market_data_tests.partition_view import (
    IN_TIME,
    INSTRUMENT,
    PARTITION,
    START,
    MemoryView,
    bar,
    clean_rows,
    flat_bar,
    frame,
    statistic,
    trade,
)


def failed(name: str, view: MemoryView) -> dict[str, Finding]:
    return {finding.detail["rule"]: finding for finding in check(name).run(view) if not finding.passed}


def trades(*prices: str) -> pl.DataFrame:
    """A trade an hour, from 01:00."""
    rows = [trade(n, ts_event=START + (n + 1) * NS_PER_HOUR, price=price, size="2") for n, price in enumerate(prices)]
    return frame("trades", rows)


def of_statistics(said: Sequence[dict[str, Any]], opens: int = 0) -> dict[str, Finding]:
    """Trades at 10, 12 and 11; the session opens at an hour of the day, and ends with it."""
    rows = {"trades": trades("10", "12", "11"), "statistics": frame("statistics", said)}
    hours = [(START + opens * NS_PER_HOUR, START + 20 * NS_PER_HOUR)]
    return failed("statistics", MemoryView(rows, hours=hours))


@pytest.mark.parametrize(
    ("kind", "second", "price", "opens", "contradicted"),
    [
        ("trading_session_high_price", 40_000, "12", 0, False),
        ("trading_session_high_price", 40_000, "11.9", 0, True),
        ("trading_session_high_price", 4_000, "10", 0, False),  # the 12 came later
        ("trading_session_high_price", 40_000, "13", 0, False),  # it may be of the evening before
        ("trading_session_high_price", 40_000, "13", 1, True),  # the session begins here
        ("trading_session_low_price", 40_000, "10.1", 0, True),
        ("trading_session_low_price", 40_000, "9", 0, False),
        ("opening_price", 40_000, "10", 1, False),
        ("opening_price", 40_000, "10.5", 1, True),
        ("opening_price", 40_000, "10.5", 0, False),
        ("settlement_price", 80_000, "11.5", 0, False),
        ("settlement_price", 80_000, "20", 0, True),
    ],
)
def test_a_price_of_the_venue_is_held_against_the_trades_it_speaks_of(
    kind: str, second: int, price: str, opens: int, contradicted: bool
):
    assert set(of_statistics([statistic(0, kind, second, price=price)], opens)) == ({kind} if contradicted else set())


def test_the_last_word_of_a_session_counts():
    kind = "trading_session_high_price"
    said = [statistic(0, kind, 40_000, price="11"), statistic(1, kind, 50_000, price="12")]
    assert of_statistics(said) == {}


@pytest.mark.parametrize(("quantity", "contradicted"), [("6", False), ("5", True), ("100", False)])
def test_a_cleared_volume_is_never_below_the_trades(quantity: str, contradicted: bool):
    said = statistic(0, "cleared_volume", 80_000, quantity=quantity, ts_ref=START)
    assert ("cleared_volume" in of_statistics([said])) is contradicted


def test_a_statistic_of_another_day_is_not_compared():
    said = statistic(0, "cleared_volume", 80_000, quantity="1", ts_ref=START - 24 * NS_PER_HOUR)
    assert of_statistics([said]) == {}


def listed(**values: Any) -> pl.DataFrame:
    return frame("instruments", [{"instrument_id": INSTRUMENT, "raw_symbol": INSTRUMENT, "kind": "spot", **values}])


def test_prices_between_two_ticks_are_found_where_the_tick_is_known():
    rows = {"trades": trades("10", "10.25", "10.3")}
    known = MemoryView({**rows, "instruments": listed(tick_size="0.25")})
    assert failed("instruments", known)["off_tick_trades"].measured == 1.0
    assert failed("instruments", MemoryView({**rows, "instruments": listed()})) == {}


def test_each_instrument_of_a_basket_has_its_own_tick():
    both = pl.concat([listed(tick_size="0.25"), listed(instrument_id="B", tick_size="0.1")])
    ticks = trades("10.25", "10.1").with_columns(instrument_id=pl.Series([INSTRUMENT, "B"]))
    swapped = ticks.with_columns(instrument_id=pl.Series(["B", INSTRUMENT]))
    deliveries = {"trades": Delivery(table("trades").schema, "ts_event")}
    view = MemoryView({"trades": ticks, "instruments": both}, deliveries=deliveries)
    assert failed("instruments", view) == {}
    wrong = dataclasses.replace(view, rows={**view.rows, "trades": swapped})
    assert failed("instruments", wrong)["off_tick_trades"].measured == 2.0


def test_an_instrument_that_is_traded_and_not_listed_is_an_error():
    rows = {**clean_rows(), "instruments": listed(instrument_id="other")}
    finding = failed("instruments", MemoryView(rows))["unknown_instrument"]
    assert (finding.severity, finding.detail["instrument_ids"]) == ("error", [INSTRUMENT])


def hour(**values: Any) -> dict[str, Any]:
    return bar(0, timeframe="1h", volume="20", quote_volume="24", trade_count=6, **values)


@pytest.mark.parametrize(
    ("bars", "different"),
    [
        ([bar(0), bar(1), hour()], 0),
        ([bar(0), bar(1), flat_bar(2, "1.2"), hour()], 0),
        ([flat_bar(0, "1.7"), bar(1), bar(2), hour()], 0),  # a flat minute does not open the hour
        ([bar(0), bar(1), hour(high="1.4")], 1),
        ([bar(0), bar(1)], 0),
        ([bar(0), bar(1), flat_bar(2), bar(60, timeframe="1h")], 2),  # the first hour is absent, the second untraded
        ([bar(0), bar(1, trade_count=None), bar(0, timeframe="1h", volume="20", quote_volume="24", trade_count=7)], 0),
        ([flat_bar(0), flat_bar(0, timeframe="1h")], 0),
    ],
)
def test_longer_bars_are_what_the_shorter_ones_give(bars: list[dict[str, Any]], different: int):
    found = failed("timeframes", MemoryView({"candles": frame("candles", bars)}))
    assert found.get("1h", Finding("", "", True, measured=0.0)).measured == different


def revision(ours: str, code: str = "1", **notes: Any) -> RevisionFacts:
    return RevisionFacts(1, Account(1, 1), IN_TIME, notes, ours, code)


@pytest.mark.parametrize(
    ("before", "rules"),
    [
        (revision("c", ""), set[str]()),
        (revision("other", ""), {"our_columns"}),
        (revision("other", "another version"), set[str]()),
        (revision("c", "", columns=["a", "b"]), set[str]()),
        (revision("c", "", columns=["b", "a"]), {"vendor_columns"}),
        (revision("c", "", columns=["a", "c"]), {"vendor_columns"}),
    ],
)
def test_columns_are_compared_with_those_of_the_day_before(before: RevisionFacts, rules: set[str]):
    view = MemoryView({"trades": trades("1")}, notes={"trades": {"columns": ["a", "b"]}}, before={"trades": before})
    assert set(failed("schema_drift", view)) == rules


def of_two(here: list[dict[str, Any]], there: list[dict[str, Any]], **limits: Any) -> list[Finding]:
    chosen = cross_vendor.Limits.model_validate({"feed": "b", **limits})
    other = MemoryView({"candles": frame("candles", there)})
    symbol = chosen.symbol if isinstance(chosen.symbol, str) else chosen.symbol[PARTITION.symbol]
    return list(
        cross_vendor.CHECK.run(
            MemoryView(
                {"candles": frame("candles", here)},
                limits={("cross_vendor", "candles"): chosen},
                others={("b", symbol or PARTITION.symbol): other},
            )
        )
    )


def test_two_vendors_that_agree_within_the_tolerance_pass():
    (finding,) = of_two([bar(0), bar(1)], [bar(0, close="1.201"), bar(1), bar(7)])
    assert (finding.passed, finding.detail["bars"]) == (True, 2)


def test_two_vendors_apart_fail_by_close_and_if_asked_by_volume():
    apart = [bar(0, close="1.25"), bar(1, volume="20")]
    assert [finding.detail["rule"] for finding in of_two([bar(0), bar(1)], apart)] == ["close"]
    both = of_two([bar(0), bar(1)], apart, volume_tolerance=0.1)
    assert [(finding.detail["rule"], finding.measured) for finding in both] == [("close", 0.5), ("volume", 0.5)]


@pytest.mark.parametrize("symbol", ["X-Y", {PARTITION.symbol: "X-Y"}])
def test_the_other_vendors_symbol_may_have_another_name(symbol: object):
    assert of_two([bar(0)], [bar(0)], symbol=symbol)[0].detail["bars"] == 1


def test_a_side_that_the_vendor_does_not_tell_is_counted_and_fails_only_if_asked():
    rows = {"trades": frame("trades", [trade(0, side=None), trade(1)])}
    (finding,) = tape.CHECK.run(MemoryView(rows))
    assert (finding.passed, finding.detail["unknown_sides"]) == (True, 1)
    strict = {("tape", "trades"): tape.Limits(unknown_side_share=0.1)}
    assert failed("tape", MemoryView(rows, limits=strict))["unknown_side"].measured == 0.5
