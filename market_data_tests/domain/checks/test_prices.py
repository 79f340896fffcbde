"""Outliers among jumps, bounces and trends; prices that stand still by their nature or against it."""

import random
from collections.abc import Sequence

import polars as pl
import pytest

from market_data.domain.checks.prices import CHECK, Limits
from market_data.domain.numbers import PRICE
from market_data.domain.ports.check import Finding
from market_data_tests.partition_view import START, MemoryView, frame, nothing, quote, trade

SECONDS = 20


def judged(ticks: Sequence[float], **limits: float) -> list[Finding]:
    rows = frame(
        "trades",
        [trade(n, ts_event=trade(n * SECONDS)["ts_event"], price=f"{price:.6f}") for n, price in enumerate(ticks)],
    )
    view = MemoryView({"trades": rows}, limits={("prices", "trades"): Limits.model_validate(limits)})
    return [finding for finding in CHECK.run(view) if not finding.passed]


def wandering(count: int = 2_000, step: float = 0.0003) -> list[float]:
    draw, price = random.Random(1), 100.0
    found: list[float] = []
    for _ in range(count):
        price *= 1 + draw.gauss(0, step)
        found.append(round(price, 6))
    return found


def test_one_bad_price_is_found_and_shown_beside_its_neighbours():
    ticks = wandering()
    ticks[700] *= 1.03
    (finding,) = judged(ticks)
    assert (finding.detail["rule"], finding.measured, finding.severity) == ("outliers", 1.0, "warning")
    assert finding.detail["first"][0]["ordinal"] == 700
    assert finding.detail["first"][0]["off"] == pytest.approx(0.03, abs=0.003)


@pytest.mark.parametrize("places", [(0,), (1_999,), (50, 51, 52, 53, 54)])
def test_bad_prices_at_an_edge_and_in_a_row_are_found(places: tuple[int, ...]):
    ticks = wandering()
    for place in places:
        ticks[place] *= 0.9
    assert [finding.measured for finding in judged(ticks)] == [float(len(places))]


def test_a_jump_that_stays_is_no_outlier():
    ticks = wandering()
    assert judged([*ticks[:1_000], *(price * 1.08 for price in ticks[1_000:])]) == []


def test_a_bounce_between_bid_and_ask_is_no_outlier_however_wide():
    draw = random.Random(2)
    for share in (0.02, 0.08, 0.4):
        assert judged([103.0 if draw.random() < share else 100.0 for _ in range(1_500)]) == []


def test_a_single_tick_up_in_a_market_that_never_moves_is_no_outlier():
    ticks = [100.0] * 400
    ticks[200] = 100.5
    assert judged(ticks) == []


def test_the_least_return_is_the_feeds_to_choose():
    ticks = wandering(step=0.00001)
    ticks[700] *= 1.005
    assert judged(ticks) == []
    assert [finding.measured for finding in judged(ticks, least_return=0.003)] == [1.0]


def test_prices_at_or_below_zero_are_told_and_not_judged():
    rows = frame("trades", [trade(n, price=str(-3 if n == 50 else 1)) for n in range(100)])
    (finding,) = CHECK.run(MemoryView({"trades": rows}))
    assert finding.passed
    assert finding.detail["instruments_at_or_below_zero"] == 1


def test_of_a_large_table_only_wild_minutes_are_looked_at_and_nothing_is_missed():
    count, bad = 120_000, (0, 30_000, 30_001, 77_777, 119_999)
    number = pl.int_range(count, dtype=pl.Int64, eager=True)
    wave = 100 + (number * 0.0007).sin() + (number % 7) * 0.01
    price = pl.select(pl.when(number.is_in(bad)).then(wave * 1.04).otherwise(wave).round(2).cast(PRICE)).to_series()
    named = pl.DataFrame({"ts_event": START + number * 700_000_000, "ordinal": number, "price": price})
    rows = pl.concat([nothing("trades"), named], how="diagonal")
    (finding,) = (each for each in CHECK.run(MemoryView({"trades": rows})) if not each.passed)
    assert (finding.detail["rule"], finding.measured) == ("outliers", len(bad))
    assert [row["ordinal"] for row in finding.detail["first"]] == list(bad)


def test_instruments_of_one_partition_are_judged_each_by_itself():
    ids = pl.Series([str(n % 2) for n in range(600)])
    rows = frame("trades", [trade(n, price="1" if n % 2 else "50") for n in range(600)]).with_columns(instrument_id=ids)
    assert [finding.passed for finding in CHECK.run(MemoryView({"trades": rows}))] == [True]


def test_a_price_that_stands_still_for_hours_in_a_moving_market_is_stale():
    ticks = wandering()
    ticks[500:900] = [ticks[500]] * 400
    (finding,) = judged(ticks)
    assert (finding.detail["rule"], finding.measured) == ("stale", 1.0)
    assert finding.detail["first"][0]["rows"] in range(395, 401)


def test_a_price_that_always_stands_still_for_hours_is_not_stale():
    assert judged([1.0 + (n // 300 % 2) * 0.0001 for n in range(4_000)]) == []


def test_an_instrument_that_hardly_trades_is_not_stale():
    assert judged([100.0] * 5) == []


def test_quotes_are_judged_by_their_mean():
    rows = [quote(n, ts_event=trade(n)["ts_event"], bid_price="100", ask_price="100.1") for n in range(200)]
    rows[90] |= {"bid_price": "90", "ask_price": "90.1"}
    (finding,) = CHECK.run(MemoryView({"quotes": frame("quotes", rows)}))
    assert (finding.table, finding.measured) == ("quotes", 1.0)
