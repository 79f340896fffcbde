"""Tick, volume and dollar bars: their timeframes, and which bar a trade belongs to."""

import pytest

from market_data.domain.candles import candle_kind
from market_data.domain.ports.candle_kind import BarContext
from market_data_tests.domain.candles.reference import DAY, INSTRUMENT, START, Trade, frame

UNIT = 10**9


def shapes(kind: str, timeframe: str, trades: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """`ts_open` since the day's start, volume and trade count of each bar of trades (ts, size) at price 1."""
    day = frame([Trade(START + ts, UNIT, size * UNIT) for ts, size in trades], keyed=False)
    bars = candle_kind(kind).build(day.lazy(), [timeframe], BarContext(DAY, "ts_event", INSTRUMENT)).collect()
    return [(ts - START, int(volume), n) for ts, volume, n in bars.select("ts_open", "volume", "trade_count").rows()]


@pytest.mark.parametrize(
    ("kind", "timeframe"),
    [
        ("tick", "1t"),
        ("tick", "100t"),
        ("volume", "10v"),
        ("volume", "0.000000001v"),
        ("dollar", "1000000d"),
        ("dollar", "0.000000000000000001d"),
    ],
)
def test_an_amount_and_its_letter_is_a_timeframe(kind: str, timeframe: str):
    candle_kind(kind).check(timeframe)
    with pytest.raises(ValueError, match="not"):
        candle_kind(kind).check(f"{timeframe}?")


@pytest.mark.parametrize("kind", ["tick", "volume", "dollar"])
@pytest.mark.parametrize("amount", ["", "0", "0.0", "-1", "01", "1.", ".5", "1.0", "1e3", " 1", "1" * 19])
def test_an_amount_that_is_not_positive_or_has_another_spelling_is_refused(kind: str, amount: str):
    with pytest.raises(ValueError, match="such as"):
        candle_kind(kind).check(f"{amount}{kind[0]}")


@pytest.mark.parametrize(
    ("kind", "timeframe"), [("tick", "0.5t"), ("volume", f"0.{'0' * 9}1v"), ("dollar", f"0.{'0' * 18}1d")]
)
def test_more_digits_than_the_amount_has_are_refused(kind: str, timeframe: str):
    with pytest.raises(ValueError, match="such as"):
        candle_kind(kind).check(timeframe)


def test_a_tick_bar_holds_so_many_trades_and_the_last_what_is_left():
    assert shapes("tick", "2t", [(0, 1), (1, 0), (2, 3), (3, 4), (4, 5)]) == [(0, 1, 2), (2, 7, 2), (4, 5, 1)]


@pytest.mark.parametrize(("kind", "timeframe"), [("volume", "10v"), ("dollar", "10d")])
def test_a_trade_belongs_to_the_bar_in_which_it_begins(kind: str, timeframe: str):
    assert shapes(kind, timeframe, [(0, 9), (1, 5), (2, 5), (3, 1), (4, 1)]) == [(0, 14, 2), (2, 6, 2), (4, 1, 1)]


@pytest.mark.parametrize(("kind", "timeframe"), [("volume", "10v"), ("dollar", "10d")])
def test_a_trade_that_reaches_over_several_bars_is_not_split_and_leaves_no_empty_ones(kind: str, timeframe: str):
    assert shapes(kind, timeframe, [(0, 1), (1, 35), (2, 1), (3, 4), (4, 1)]) == [(0, 36, 2), (2, 5, 2), (4, 1, 1)]


@pytest.mark.parametrize(("kind", "timeframe"), [("tick", "1t"), ("volume", "1v"), ("dollar", "1d")])
def test_bars_that_open_at_one_instant_stand_in_order_and_are_not_merged(kind: str, timeframe: str):
    assert shapes(kind, timeframe, [(5, 3), (5, 1), (5, 2)]) == [(5, 3, 1), (5, 1, 1), (5, 2, 1)]
