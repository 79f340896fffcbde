"""What holds for every kind of candle, found by scanning: a new kind is held to it without a word here."""

import re
from decimal import Decimal
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from market_data.domain.candles import candle_kind, kind_names
from market_data.domain.contract import polars_schema
from market_data.domain.ports.candle_kind import BarContext
from market_data.domain.tables._bars import ORDER, Bars
from market_data_tests.domain.candles.reference import ALONE, DAY, INSTRUMENT, Trade, frame
from market_data_tests.domain.candles.strategies import days, relaxed

CONTEXT = BarContext(day=DAY, clock="ts_event", instrument_id=INSTRUMENT)
GROUP = ["instrument_id", "publisher_id"]

pytestmark = pytest.mark.parametrize("kind", kind_names())


def examples(kind: str) -> list[str]:
    """The timeframes that the kind's own refusal names, in quotes."""
    with pytest.raises(ValueError, match="nonsense") as refusal:
        candle_kind(kind).check("nonsense")
    return [name for name in re.findall(r"'([^']+)'", str(refusal.value)) if name != "nonsense"]


def built(kind: str, trades: pl.LazyFrame, timeframes: list[str] | None = None, engine: str = "auto") -> pl.DataFrame:
    wanted = examples(kind) if timeframes is None else timeframes
    bars = candle_kind(kind).build(trades, wanted, CONTEXT)
    return bars.collect(engine="streaming") if engine == "streaming" else bars.collect(engine="in-memory")


def test_a_refused_timeframe_is_answered_with_examples_that_are_accepted(kind: str):
    assert examples(kind)
    for timeframe in examples(kind):
        candle_kind(kind).check(timeframe)


def test_building_an_unknown_timeframe_is_refused_before_anything_is_read(kind: str):
    with pytest.raises(ValueError, match="nonsense"):
        candle_kind(kind).build(frame([]).lazy(), ["nonsense"], CONTEXT)


@pytest.mark.parametrize("keyed", [True, False])
def test_no_trades_make_no_bars_of_the_tables_types(kind: str, keyed: bool):
    bars = built(kind, frame([], keyed=keyed).lazy())
    assert dict(bars.schema) == polars_schema(Bars)
    assert bars.is_empty()


def test_no_timeframes_make_no_bars(kind: str):
    assert dict(built(kind, frame([]).lazy(), []).schema) == polars_schema(Bars)


@relaxed
@given(trades=days())
def test_bars_satisfy_the_tables_contract_and_stand_in_its_order(kind: str, trades: list[Trade]):
    bars = built(kind, frame(trades).lazy())
    assert dict(bars.schema) == polars_schema(Bars)
    assert Bars.is_valid(bars)
    assert_frame_equal(bars, bars.sort(ORDER, maintain_order=True))
    assert set(bars["timeframe"]) == (set(examples(kind)) if trades else set())
    assert set(bars["kind"]) <= {kind}


@relaxed
@given(trades=days())
def test_volume_turnover_and_count_are_conserved(kind: str, trades: list[Trade]):
    day = frame(trades)
    value = pl.col("price").cast(pl.Decimal(38, 18)) * pl.col("size").cast(pl.Decimal(38, 18))
    sums = [pl.col("size").sum().alias("volume"), value.sum().alias("quote_volume"), pl.col("trade_count").sum()]
    expected = day.group_by(GROUP).agg(sums)
    for timeframe in examples(kind):
        bars = built(kind, day.lazy(), [timeframe])
        kept = bars.group_by(GROUP).agg(pl.col("volume", "quote_volume", "trade_count").sum())
        assert_frame_equal(kept, expected, check_row_order=False)


@relaxed
@given(trades=days())
def test_every_price_of_a_bar_lies_between_its_low_and_high(kind: str, trades: list[Trade]):
    bars = built(kind, frame(trades).lazy())
    inside = [pl.col(name).is_between(pl.col("low"), pl.col("high")).all() for name in ("open", "close")]
    assert bars.select(inside).row(0) == (True, True)
    rounding = Decimal("1E-18")
    for low, high, vwap in bars.drop_nulls("vwap").select("low", "high", "vwap").rows():
        assert low - rounding <= vwap <= high + rounding
    assert bars.filter(pl.col("vwap").is_null() != (pl.col("volume") == 0)).is_empty()


@relaxed
@given(trades=days(), cuts=st.lists(st.integers(0, 40), max_size=4))
def test_splitting_the_trades_into_batches_changes_nothing(kind: str, trades: list[Trade], cuts: list[int]):
    edges = [0, *sorted(cuts), len(trades)]
    batches = [frame(trades[start:end]).lazy() for start, end in pairwise(edges)]
    whole = built(kind, frame(trades).lazy())
    assert_frame_equal(built(kind, pl.concat(batches)), whole)
    assert_frame_equal(built(kind, pl.concat(batches), engine="streaming"), whole)


@relaxed
@given(trades=days(groups=[ALONE]))
def test_trades_without_keys_are_those_of_the_contexts_instrument(kind: str, trades: list[Trade]):
    assert_frame_equal(built(kind, frame(trades, keyed=False).lazy()), built(kind, frame(trades).lazy()))


@relaxed
@given(trades=days())
def test_publishers_and_instruments_do_not_touch_each_other(kind: str, trades: list[Trade]):
    alone = [
        built(kind, frame([trade for trade in trades if trade.group == group]).lazy())
        for group in {trade.group for trade in trades}
    ]
    apart = pl.concat([built(kind, frame([]).lazy()), *alone]).sort(ORDER, maintain_order=True)
    assert_frame_equal(built(kind, frame(trades).lazy()), apart)


@relaxed
@given(trades=days())
def test_several_timeframes_at_once_are_each_of_them_alone(kind: str, trades: list[Trade]):
    day = frame(trades).lazy()
    alone = [built(kind, day, [timeframe]) for timeframe in sorted(examples(kind))]
    assert_frame_equal(built(kind, day, [*examples(kind), examples(kind)[0]]), pl.concat(alone))


@relaxed
@given(trades=days())
def test_without_a_count_of_its_own_each_record_counts_as_one(kind: str, trades: list[Trade]):
    ones = frame(trades).with_columns(trade_count=pl.lit(1, dtype=pl.Int64))
    assert_frame_equal(built(kind, ones.drop("trade_count").lazy()), built(kind, ones.lazy()))
