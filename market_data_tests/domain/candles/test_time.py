"""Time bars: their timeframes, folding, one reading of the trades, and intervals in which nothing was traded."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.exceptions import ComputeError
from polars.testing import assert_frame_equal

from market_data.domain.candles.time import KIND, interval
from market_data.domain.numbers import PRICE
from market_data.domain.ports.candle_kind import BarContext
from market_data.domain.time import NS_PER_DAY, NS_PER_MINUTE
from market_data_tests.domain.candles.reference import (
    ALONE,
    DAY,
    INSTRUMENT,
    START,
    Group,
    Trade,
    decimal,
    frame,
    reference,
)
from market_data_tests.domain.candles.strategies import GROUPS, days, relaxed

CLOSES = st.dictionaries(st.sampled_from(GROUPS), st.integers(1, 10**12))


def context(closes: dict[Group, int] | None = None) -> BarContext:
    """Flat bars where closes are given, else absent ones."""
    if closes is None:
        return BarContext(DAY, "ts_event", INSTRUMENT)
    rows = [(group[0], group[1], decimal(close, 9)) for group, close in closes.items()]
    schema = {"instrument_id": pl.String, "publisher_id": pl.Int64, "close": PRICE}
    return BarContext(DAY, "ts_event", INSTRUMENT, "flat", pl.DataFrame(rows, schema=schema, orient="row"))


def built(trades: pl.DataFrame, timeframes: list[str], bars: BarContext) -> pl.DataFrame:
    return KIND.build(trades.lazy(), timeframes, bars).collect()


@pytest.mark.parametrize("timeframe", ["1s", "30s", "90s", "1m", "5m", "15m", "1h", "4h", "24h", "1440m", "1d"])
def test_what_divides_a_day_is_a_timeframe(timeframe: str):
    assert NS_PER_DAY % interval(timeframe) == 0


@pytest.mark.parametrize(
    "timeframe", ["", "m", "0m", "7m", "01m", "1.5m", "-1m", "48h", "2d", "1w", "1M", "1m ", "100000s", "\u0661m"]
)
def test_what_does_not_divide_a_day_is_refused_with_examples(timeframe: str):
    with pytest.raises(ValueError, match=r"divides a day evenly.*'5m'"):
        KIND.check(timeframe)


@relaxed
@given(trades=days())
def test_folding_minutes_to_longer_bars_equals_building_those_from_the_trades(trades: list[Trade]):
    timeframes = ["1m", "5m", "15m", "1h", "4h", "1d"]
    folded = built(frame(trades), timeframes, context())
    alone = [built(frame(trades), [timeframe], context()) for timeframe in sorted(timeframes)]
    assert_frame_equal(folded, pl.concat(alone))


@pytest.mark.parametrize("closes", [None, {ALONE: 10**9, GROUPS[1]: 2 * 10**9}])
def test_bars_too_many_to_be_folded_at_once_equal_the_slow_reference(closes: dict[Group, int] | None):
    random = Random(1)
    times = sorted(random.randrange(START, START + NS_PER_DAY) for _ in range(20_000))
    trades = [Trade(ts, random.randrange(10**9), random.randrange(10**9), random.choice(GROUPS)) for ts in times]
    timeframes = ["1s", "1m", "1h", "1d"]
    expected = [reference("time", timeframe, trades, closes) for timeframe in sorted(timeframes)]
    assert_frame_equal(built(frame(trades), timeframes, context(closes)), pl.concat(expected))


def test_minutes_whose_sum_wraps_around_to_a_plausible_figure_make_no_day():
    """Four times 2^126 is 2^128, which 128 bits show as 0."""
    trades = frame([Trade(START + minute * NS_PER_MINUTE, 2**33, 2**93) for minute in range(4)])
    with pytest.raises(ComputeError, match="overflow"):
        built(trades, ["1m", "1d"], context())


def test_flat_bars_of_trades_of_another_day_are_refused():
    with pytest.raises(ValueError, match="trades that are not of 2024-05-08"):
        built(frame([Trade(START + NS_PER_DAY, 10**9, 1)]), ["1m"], context({}))


@relaxed
@given(trades=days(), closes=CLOSES)
@pytest.mark.parametrize("timeframe", ["15m", "1h", "1d"])
def test_flat_bars_equal_the_slow_reference(timeframe: str, trades: list[Trade], closes: dict[Group, int]):
    flat = built(frame(trades), ["5m", timeframe], context(closes)).filter(timeframe=timeframe)
    assert_frame_equal(flat, reference("time", timeframe, trades, closes))


@relaxed
@given(trades=days(groups=[ALONE]))
def test_a_known_previous_close_makes_every_minute_of_the_day(trades: list[Trade]):
    bars = built(frame(trades, keyed=False), ["1m", "1d"], context({ALONE: 10**9}))
    minutes = bars.filter(timeframe="1m")["ts_open"].to_list()
    assert minutes == list(range(START, START + NS_PER_DAY, NS_PER_MINUTE))
    assert bars.filter(timeframe="1d")["ts_open"].to_list() == [START]


@pytest.mark.parametrize("previous", [None, context({}).previous_close])
def test_minutes_before_the_first_trade_are_not_guessed(previous: pl.DataFrame | None):
    bars = BarContext(DAY, "ts_event", INSTRUMENT, "flat", previous)
    trades = frame([Trade(START + 90 * NS_PER_MINUTE, 10**9, 1)], keyed=False)
    minutes = built(trades, ["1m"], bars)
    assert len(minutes) == 1440 - 90
    assert minutes["ts_open"].min() == START + 90 * NS_PER_MINUTE


def test_the_interval_of_the_first_trade_opens_at_that_trade():
    late = [Trade(START + 3 * NS_PER_MINUTE, 7 * 10**9, 1)]
    bar = built(frame(late), ["1m", "5m"], context({ALONE: 10**9})).filter(timeframe="5m").row(0, named=True)
    assert bar["open"] == bar["low"] == Decimal(7)


def test_a_day_without_trades_is_flat_if_the_close_before_is_known_and_else_has_no_bar():
    nothing = frame([])
    known = built(nothing, ["1m", "1d"], context({ALONE: 10**9}))
    assert len(known) == 1440 + 1
    assert known.select("open", "high", "low", "close").unique().row(0) == (Decimal(1),) * 4
    assert known.select("volume", "quote_volume", "vwap", "trade_count").unique().row(0) == (0, 0, None, 0)
    assert built(nothing, ["1m", "1d"], context({})).is_empty()


def test_flat_bars_of_the_first_day_of_all_times_are_made_too():
    epoch = BarContext(dt.date(1970, 1, 1), "ts_event", INSTRUMENT, "flat", context({ALONE: 10**9}).previous_close)
    assert built(frame([]), ["1s"], epoch)["ts_open"].to_list() == list(range(0, NS_PER_DAY, 10**9))


def test_the_clock_decides_the_bar():
    trades = frame([Trade(START, 10**9, 1)]).with_columns(ts_recv=pl.lit(START + NS_PER_MINUTE))
    bars = built(trades, ["1m"], BarContext(DAY, "ts_recv", INSTRUMENT))
    assert bars["ts_open"].to_list() == [START + NS_PER_MINUTE]


def test_the_trades_are_read_once_for_all_timeframes(tmp_path: Path):
    frame([Trade(START, 10**9, 1)]).write_parquet(tmp_path / "trades.parquet")
    trades = pl.scan_parquet(tmp_path / "trades.parquet")
    plan = KIND.build(trades, ["1m", "5m", "15m", "1h", "1d"], context({ALONE: 10**9})).explain()
    assert plan.count("Parquet SCAN") == 1


def test_a_later_filter_or_selection_does_not_reach_into_the_folding():
    trades = frame([Trade(START, 10**9, 1), Trade(START + NS_PER_MINUTE, 10**9, 1)]).lazy()
    bars = KIND.build(trades, ["1m", "1h"], context())
    assert bars.filter(timeframe="1h").select("close").collect().height == 1
    assert bars.select("timeframe", "trade_count").head(1).collect().row(0) == ("1h", 2)
