"""Longer bars against the shorter ones that they are made of, ours and the vendor's each by themselves."""

from collections.abc import Sequence

import polars as pl
from pydantic import Field

from market_data.domain.candles.time import interval
from market_data.domain.check_support.rules import Rule, judged, shown_rows
from market_data.domain.check_support.scan import collected
from market_data.domain.check_support.tables import existing, nothing_to_judge
from market_data.domain.ports.check import Check, Dimension, Finding, PartitionView, RevisionFacts, Thresholds

_KEY = ("instrument_id", "publisher_id", "ts_open")
_PRICES = ("open", "high", "low", "close")
_SUMS = ("volume", "quote_volume", "trade_count")
_TRADED = pl.col("volume") > 0


class Limits(Thresholds):
    """How exact folding is."""

    different: int = Field(default=0, ge=0, description="how many bars of a timeframe may differ from the shorter ones")


class Timeframes:
    """Bars of the shortest timeframe, folded, are those of the longer ones, value by value."""

    dimension: Dimension = "consistency"
    tables = ("candles", "vendor_candles")
    thresholds = Limits

    def run(self, view: PartitionView) -> Sequence[Finding]:
        """Return findings of each table. Bars without volume open no longer bar.

        What is null on one side is not compared.
        """
        found = existing(view, self.tables)
        findings = [finding for table, facts in found for finding in _judge(view, table, facts)]
        return findings or nothing_to_judge(view, "timeframes", self.tables)


def _judge(view: PartitionView, table: str, facts: RevisionFacts) -> list[Finding]:
    bars = view.scan(table).filter(pl.col("kind") == "time").select("timeframe", *_KEY, *_PRICES, *_SUMS)
    names = collected(bars.select(pl.col("timeframe").unique()), facts.rows)["timeframe"].to_list()
    lengths = sorted((interval(name), name) for name in names)
    longer = [(step, name) for step, name in lengths[1:] if step % lengths[0][0] == 0]
    if not longer:
        note = {"note": "nothing to compare: no two timeframes of which one divides the other", "rows": facts.rows}
        return judged(table, "timeframes", [Rule("timeframes", "bars", 0, 0)], note)
    limits, base = view.thresholds("timeframes", table, Limits), lengths[0][1]
    wrong = collected(_wrong(bars, base, longer), facts.rows)
    rules = [
        _rule(wrong.filter(pl.col("timeframe") == name) if len(wrong) else wrong, name, limits) for _, name in longer
    ]
    return judged(table, "timeframes", rules, {"folded_from": base})


def _rule(wrong: pl.DataFrame, name: str, limits: Limits) -> Rule:
    """Of a timeframe's wrong bars those columns that differ, as `<name>` and `<name>_folded`."""
    pairs = [(each, f"{each}_folded") for each in (*_PRICES, *_SUMS)]
    unequal = [pair for pair in pairs if len(wrong) and wrong[pair[0]].ne_missing(wrong[pair[1]]).any()]
    detail = {"first": shown_rows(wrong, [*_KEY, *(each for pair in unequal for each in pair)])} if unequal else {}
    return Rule(name, "bars", len(wrong), limits.different, "error", detail)


def _wrong(bars: pl.LazyFrame, base: str, longer: Sequence[tuple[int, str]]) -> pl.LazyFrame:
    """Longer bars that are not what the shortest ones give, and those that are not there; of all timeframes at once."""
    shortest = bars.filter(pl.col("timeframe") == base, _TRADED | pl.col("volume").is_null()).sort(_KEY)
    folded = _folded(shortest, longer)
    there = bars.filter(pl.col("timeframe").is_in([name for _, name in longer])).with_columns(there=pl.lit(value=True))
    key = ("timeframe", *_KEY)
    both = there.join(folded, on=key, how="full", nulls_equal=True, coalesce=True, suffix="_folded")
    absent, untraded = pl.col("there").is_null(), pl.col("bars_folded").is_null()
    unlike = [pl.col(name).ne(pl.col(f"{name}_folded")).fill_null(value=False) for name in (*_PRICES, *_SUMS)]
    traded_here_alone = untraded & _TRADED.fill_null(value=False)
    return both.filter(absent | traded_here_alone | (~untraded & pl.any_horizontal(unlike))).sort(key)


def _folded(traded: pl.LazyFrame, longer: Sequence[tuple[int, str]]) -> pl.LazyFrame:
    """Return the longer bars that the shortest ones give. One grouping: four took twice the time on a small day."""
    of_each = pl.LazyFrame(longer, schema={"step": pl.Int64, "timeframe": pl.String}, orient="row")
    bars = of_each.join(traded.drop("timeframe"), how="cross", maintain_order="left_right")
    sums = [pl.when(pl.col(each).null_count() == 0).then(pl.col(each).sum()).alias(each) for each in _SUMS]
    ts_open = pl.col("ts_open") // pl.col("step") * pl.col("step")
    return bars.group_by("timeframe", *_KEY[:2], ts_open, maintain_order=True).agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        *sums,
        bars_folded=pl.len(),
    )


CHECK: Check = Timeframes()
