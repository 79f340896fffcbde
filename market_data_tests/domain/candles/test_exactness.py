"""Every figure of every kind equals the slow reference, or, where it does not fit its type, is refused."""

from decimal import Decimal
from pathlib import Path
from random import Random

import polars as pl
import pytest
from hypothesis import given
from polars.exceptions import ComputeError
from polars.testing import assert_frame_equal

from market_data.domain.candles import candle_kind
from market_data.domain.candles._bars import turnover
from market_data.domain.numbers import PRICE, SIZE
from market_data.domain.ports.candle_kind import BarContext
from market_data.domain.time import NS_PER_MINUTE, NS_PER_SECOND
from market_data_tests.domain.candles.reference import (
    ALONE,
    DAY,
    INSTRUMENT,
    START,
    Trade,
    decimal,
    frame,
    members,
    reference,
)
from market_data_tests.domain.candles.strategies import GROUPS, LIMIT, MAX_PRICE, days, extreme_days, relaxed

CONTEXT = BarContext(day=DAY, clock="ts_event", instrument_id=INSTRUMENT)
TIMEFRAMES = [
    ("time", "1s"),
    ("time", "1m"),
    ("time", "1h"),
    ("time", "1d"),
    ("tick", "1t"),
    ("tick", "3t"),
    ("volume", "0.5v"),
    ("volume", "1000v"),
    ("dollar", "0.000000001d"),
    ("dollar", "10d"),
]
EXTREMES = [("time", "1m"), ("time", "1d"), ("tick", "3t"), ("volume", "1000v"), ("dollar", "10d")]


def built(kind: str, timeframe: str, trades: pl.DataFrame) -> pl.DataFrame:
    return candle_kind(kind).build(trades.lazy(), [timeframe], CONTEXT).collect(engine="streaming")


@pytest.mark.parametrize(("kind", "timeframe"), TIMEFRAMES)
@relaxed
@given(trades=days())
def test_bars_equal_the_slow_reference(kind: str, timeframe: str, trades: list[Trade]):
    assert_frame_equal(built(kind, timeframe, frame(trades)), reference(kind, timeframe, trades))


@pytest.mark.parametrize(("kind", "timeframe"), TIMEFRAMES)
@relaxed
@given(trades=days(groups=[ALONE]))
def test_bars_of_trades_without_keys_equal_the_slow_reference(kind: str, timeframe: str, trades: list[Trade]):
    assert_frame_equal(built(kind, timeframe, frame(trades, keyed=False)), reference(kind, timeframe, trades))


@pytest.mark.parametrize(("kind", "timeframe"), EXTREMES)
@relaxed
@given(trades=extreme_days())
def test_figures_at_the_limits_are_exact_or_refused(kind: str, timeframe: str, trades: list[Trade]):
    if fits(kind, timeframe, trades):
        assert_frame_equal(built(kind, timeframe, frame(trades)), reference(kind, timeframe, trades))
    else:
        with pytest.raises(ComputeError, match="overflow"):
            built(kind, timeframe, frame(trades))


def fits(kind: str, timeframe: str, trades: list[Trade]) -> bool:
    """Whether highest |price| * volume of every bar, and the sum by which a dollar bar is cut, can be held."""
    for group in {trade.group for trade in trades}:
        own = [trade for trade in trades if trade.group == group]
        if kind == "dollar" and sum(abs(trade.price) * trade.size for trade in own) >= LIMIT:
            return False
        for bar in members(kind, timeframe, own):
            if max(abs(trade.price) for trade in bar) * sum(trade.size for trade in bar) >= LIMIT:
                return False
    return True


def test_a_sum_that_wraps_around_to_a_plausible_figure_is_refused():
    """(10^18 - 1) * size is 2^128 and a little, which 128 bits show as that little."""
    trades = [Trade(START, MAX_PRICE, 2**128 // MAX_PRICE + 1)]
    with pytest.raises(ComputeError, match="overflow"):
        built("time", "1m", frame(trades))


def test_minutes_that_fit_make_no_day_that_does_not():
    trades = frame([Trade(START + minute * NS_PER_MINUTE, 10**10, 6 * 10**27) for minute in range(2)]).lazy()
    minutes = candle_kind("time").build(trades, ["1m"], CONTEXT).collect()
    assert minutes["quote_volume"].to_list() == [decimal(6 * 10**37, 18)] * 2
    with pytest.raises(ComputeError, match="overflow"):
        candle_kind("time").build(trades, ["1m", "1d"], CONTEXT).collect()


@pytest.mark.parametrize("keyed", [True, False])
@pytest.mark.parametrize(("kind", "timeframe"), [("time", "1m"), ("tick", "7t"), ("volume", "30v"), ("dollar", "20d")])
def test_a_partition_of_many_row_groups_read_in_parallel_keeps_its_order(
    kind: str, timeframe: str, keyed: bool, tmp_path: Path
):
    """Thirty trades share each instant, so that only their order tells which of them opens and closes a bar."""
    groups = GROUPS if keyed else [ALONE]
    random = Random(1)
    trades = [
        Trade(START + place // 30 * NS_PER_SECOND, random.randrange(10**9), random.randrange(10**9), choice)
        for place, choice in enumerate(random.choices(groups, k=60_000))
    ]
    frame(trades, keyed=keyed).write_parquet(tmp_path / "trades.parquet", row_group_size=500)
    bars = candle_kind(kind).build(pl.scan_parquet(tmp_path / "trades.parquet"), [timeframe], CONTEXT)
    assert_frame_equal(bars.collect(engine="streaming"), reference(kind, timeframe, trades))


def test_the_least_product_is_not_rounded_away():
    prices = pl.DataFrame({"price": [Decimal("0.000000001")]}, schema={"price": PRICE})
    product = prices.select(turnover(pl.col("price"), pl.lit(Decimal("0.5"), dtype=SIZE))).item()
    assert product == Decimal("0.0000000005")


@pytest.mark.parametrize(("dearer", "units"), [(1, 10**9), (3, 10**9 + 2), (5, 10**9 + 2)])
def test_vwap_rounds_half_to_even(dearer: int, units: int):
    """2 * 10^9 units of size, of which few cost 2 and not 1: the quotient ends in one half at the eighteenth digit."""
    trades = [Trade(START, 1, 2 * 10**9 - dearer), Trade(START, 2, dearer)]
    assert built("time", "1m", frame(trades))["vwap"].item() == decimal(units, 18)


@pytest.mark.parametrize("column", ["price", "size"])
def test_a_number_of_another_type_is_refused_rather_than_scaled_wrongly(column: str):
    trades = frame([Trade(START, 1, 1)]).cast({column: pl.Decimal(38, 10)})
    with pytest.raises(TypeError, match="price and size must be"):
        built("time", "1m", trades)
