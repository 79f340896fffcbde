"""Pictures of candles: well formed whatever they show, and small where they must be."""

import xml.etree.ElementTree as ET

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_data.domain.charts import _time_ticks, candlesticks, page, price_ticks, sparkline
from market_data.domain.time import NS_PER_DAY, NS_PER_MINUTE
from market_data_tests.partition_view import bar, flat_bar, frame, nothing

PRICES = st.decimals(min_value=0, max_value=10**9 - 1, places=9, allow_nan=False)
BARS = st.lists(st.tuples(PRICES, PRICES, PRICES, PRICES, PRICES | st.none()), max_size=300)


def bars(values: list[tuple]) -> pl.DataFrame:
    rows = [
        bar(n, open=open_, high=max(open_, close, *wick), low=min(open_, close, *wick), close=close, volume=volume)
        for n, (open_, close, *wick, volume) in enumerate(values)
    ]
    return frame("candles", rows) if rows else nothing("candles")


@given(BARS)
def test_any_candles_give_a_well_formed_picture(values: list[tuple]) -> None:
    svg = candlesticks(bars(values), "<R&D>")
    assert ET.fromstring(svg).tag.endswith("svg")
    assert "nan" not in svg
    assert "inf" not in svg


@given(BARS)
def test_a_sparkline_is_well_formed_and_under_two_kilobytes(values: list[tuple]) -> None:
    svg = sparkline(bars(values))
    assert ET.fromstring(svg).tag.endswith("svg")
    assert len(svg) < 2_000


def test_a_day_of_minutes_makes_a_sparkline_under_two_kilobytes() -> None:
    day = frame("candles", [bar(n, close=str(10**8 + n % 7), volume=str(10**9 + n % 11)) for n in range(1_440)])
    assert len(sparkline(day)) < 2_000


def test_each_candle_is_drawn_once_rising_ones_hollow_and_falling_ones_filled() -> None:
    svg = candlesticks(frame("candles", [bar(0, close="1.2"), bar(1, open="1.2", close="1.1"), flat_bar(2)]), "X")
    paths = {path.get("class"): path.get("d") or "" for path in ET.fromstring(svg).iter() if path.get("d")}
    assert (paths["u"].count("z"), paths["f"].count("z")) == (2, 1)
    assert ".u{stroke:var(--up);fill:var(--paper)}" in svg
    assert ".f{stroke:var(--down);fill:var(--down)}" in svg


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (59_117.2, 61_591.2, ["59,500", "60,000", "60,500", "61,000", "61,500"]),
        (0.00140, 0.00146, ["0.00140", "0.00141", "0.00142", "0.00143", "0.00144", "0.00145", "0.00146"]),
        (100, 100, ["100.0"]),
        (0, 0, ["0.0"]),
    ],
)
def test_prices_on_the_axis_are_round(low: float, high: float, labels: list[str]) -> None:
    assert [label for _, label in price_ticks(low, high)] == labels


def test_times_on_the_axis_are_round_and_days_are_named() -> None:
    start = 19_737 * NS_PER_DAY  # 2024-01-15
    times = [start + n * 15 * NS_PER_MINUTE for n in range(192)]
    ticks = list(_time_ticks(times, pitch=5.0))
    assert [(n, label) for n, label, _ in ticks][:5] == [
        (0, "15 Jan"),
        (24, "06:00"),
        (48, "12:00"),
        (72, "18:00"),
        (96, "16 Jan"),
    ]
    assert [is_day for _, _, is_day in ticks] == [True, False, False, False, True, False, False, False]


def test_a_page_holds_every_chart() -> None:
    chart = candlesticks(nothing("candles"), "empty")
    assert page("<demo>", [chart, chart]).count("<svg") == 2
    assert "no candles" in chart
