"""Longer bars against the shorter ones that they are made of, ours and the vendor's each by themselves."""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl
from pydantic import Field

from market_data.domain.candles.time import interval
from market_data.domain.checks._rules import Rule, judged, shown_rows
from market_data.domain.checks._tables import existing, nothing_to_judge
from market_data.domain.ports.check import Check, Finding, PartitionView, RevisionFacts, Thresholds

_KEY = ("instrument_id", "publisher_id", "ts_open")
_PRICES = ("open", "high", "low", "close")
_SUMS = ("volume", "quote_volume", "trade_count")
_TRADED = pl.col("volume") > 0


class Limits(Thresholds):
    """How exact folding is."""

    different: int = Field(default=0, ge=0, description="how many bars of a timeframe may differ from the shorter ones")


class Timeframes:
    """Bars of the shortest timeframe, folded, are those of the longer ones, value by value."""

    tables = ("candles", "vendor_candles")
    thresholds = Limits

    def run(self, view: PartitionView) -> Sequence[Finding]:
        """Findings of each table. Bars without volume open no longer bar; what is null on one side is not compared."""
        found = existing(view, self.tables)
        findings = [finding for table, facts in found for finding in _judge(view, table, facts)]
        return findings or nothing_to_judge(view, "timeframes", self.tables)


def _judge(view: PartitionView, table: str, facts: RevisionFacts) -> list[Finding]:
    bars = view.scan(table).filter(pl.col("kind") == "time").select("timeframe", *_KEY, *_PRICES, *_SUMS).collect()
    lengths = sorted((interval(name), name) for name in bars["timeframe"].unique().to_list())
    if len(lengths) < 2:  # noqa: PLR2004
        note = {"note": "nothing to compare: time bars of one timeframe at most", "rows": facts.rows}
        return judged(table, "timeframes", [Rule("timeframes", "bars", 0, 0)], note)
    limits = view.thresholds("timeframes", table, Limits)
    return judged(table, "timeframes", list(_rules(bars, lengths, limits)), {"folded_from": lengths[0][1]})


def _rules(bars: pl.DataFrame, lengths: Sequence[tuple[int, str]], limits: Limits) -> Iterator[Rule]:
    base_step, base = lengths[0]
    shortest = bars.filter(pl.col("timeframe") == base)
    for step, name in lengths[1:]:
        if step % base_step == 0:
            different = _different(shortest, bars.filter(pl.col("timeframe") == name), step)
            detail: dict[str, Any] = {"first": shown_rows(different)} if len(different) else {}
            yield Rule(name, "bars", len(different), limits.different, "error", detail)


def _different(shorter: pl.DataFrame, longer: pl.DataFrame, step: int) -> pl.DataFrame:
    """Bars that are not what the shorter ones give, with the values that differ as `<name>` and `<name>_folded`."""
    both = longer.join(_folded(shorter, step), on=_KEY, how="full", nulls_equal=True, coalesce=True, suffix="_folded")
    absent_here = pl.col("timeframe").is_null()
    untraded = pl.col("bars_folded").is_null()
    unlike = [pl.col(name).ne(pl.col(f"{name}_folded")).fill_null(value=False) for name in (*_PRICES, *_SUMS)]
    traded_here_alone = untraded & _TRADED.fill_null(value=False)
    wrong = both.filter(absent_here | traded_here_alone | (~untraded & pl.any_horizontal(unlike))).sort(_KEY)
    unequal = [
        name for name in (*_PRICES, *_SUMS) if (wrong[name].ne_missing(wrong[f"{name}_folded"])).any() or not len(wrong)
    ]
    return wrong.select(*_KEY, *(each for name in unequal for each in (name, f"{name}_folded")))


def _folded(bars: pl.DataFrame, step: int) -> pl.DataFrame:
    traded = bars.filter(_TRADED | pl.col("volume").is_null()).sort(_KEY)
    sums = [pl.when(pl.col(name).null_count() == 0).then(pl.col(name).sum()).alias(name) for name in _SUMS]
    return traded.group_by(*_KEY[:2], pl.col("ts_open") // step * step, maintain_order=True).agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        *sums,
        bars_folded=pl.len(),
    )


CHECK: Check = Timeframes()
