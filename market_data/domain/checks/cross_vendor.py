"""Our candles against those of another feed for the same instrument. Only where a feed's stanza names the other."""

from collections.abc import Sequence
from typing import Any, ClassVar

import polars as pl
from pydantic import Field, model_validator

from market_data.domain.check_support.detail import FIRST, shown_row
from market_data.domain.check_support.rules import Rule, judged
from market_data.domain.ports.check import Check, Dimension, Finding, PartitionView, Thresholds

_KEY = ("timeframe", "ts_open")


class Limits(Thresholds):
    """Which feed to compare with, and how unlike two vendors may be."""

    on_request: ClassVar[bool] = True

    feed: str = Field(default="", description="the other feed")
    symbol: str | dict[str, str] = Field(
        default="", description="its symbol, or ours to its; the same name where nothing is said"
    )
    close_tolerance: float = Field(
        default=0.005, ge=0, description="by which share of the price two closes may differ; venues are apart by some"
    )
    volume_tolerance: float | None = Field(
        default=None,
        ge=0,
        description="by which share of the larger two volumes may differ; without it they are not judged, because two "
        "venues trade what they trade",
    )
    different_share: float = Field(
        default=0.01, ge=0, le=1, description="which share of the bars that both have may differ by more"
    )

    @model_validator(mode="after")
    def _with_a_feed(self) -> "Limits":
        if self.model_fields_set and not self.feed:
            raise ValueError("expected feed: the other feed")
        return self

    @property
    def other_feed(self) -> str | None:
        """Return the feed that must exist."""
        return self.feed or None

    def other_symbol(self, symbol: str) -> str:
        """Return which symbol of the other feed is compared with one of ours."""
        return self.symbol.get(symbol, symbol) if isinstance(self.symbol, dict) else self.symbol or symbol


class CrossVendor:
    """Candles of one vendor are, within tolerances, those of another for the same instrument."""

    dimension: Dimension = "consistency"
    tables = ("candles",)
    thresholds = Limits

    def run(self, view: PartitionView) -> Sequence[Finding]:
        """Return a finding for closes, one for volumes.

        Bars with volume on both sides are compared, of all timeframes.
        """
        limits = view.thresholds("cross_vendor", "candles", Limits)
        if not limits.feed:
            return [_note("nothing to compare with: the feed's stanza names no other feed")]
        symbol = limits.other_symbol(view.partition.symbol)
        other = view.other(limits.feed, symbol)
        if other is None:
            return [_note(f"nothing to compare with: {limits.feed} has no symbol {symbol}")]
        if view.facts("candles") is None or other.facts("candles") is None:
            return [_note(f"nothing to compare: the day's candles are not there on both sides ({limits.feed})")]
        return _compare(view, other, limits)


def _compare(view: PartitionView, other: PartitionView, limits: Limits) -> list[Finding]:
    both = _bars(view).join(_bars(other), on=_KEY, suffix="_there").sort(_KEY).collect()
    told: dict[str, Any] = {"feed": other.partition.feed, "symbol": other.partition.symbol, "bars": len(both)}
    if not len(both):
        return [_note("nothing to compare: no bar of one instrument has volume on both sides", told)]
    apart = {"close": (pl.col("close") / pl.col("close_there") - 1).abs() > limits.close_tolerance}
    if limits.volume_tolerance is not None:
        larger = pl.max_horizontal("volume", "volume_there")
        apart["volume"] = (pl.col("volume") - pl.col("volume_there")).abs() / larger > limits.volume_tolerance
    rules: list[Rule] = []
    for name, differs in apart.items():
        different = both.filter(differs)
        first = different.select(*_KEY, name, f"{name}_there").head(FIRST)
        detail = {"different": len(different), "first": [shown_row(row) for row in first.iter_rows(named=True)]}
        share = len(different) / len(both)
        rules.append(Rule(name, "share of bars", share, limits.different_share, "warning", detail))
    return judged("candles", "cross_vendor", rules, told)


def _bars(view: PartitionView) -> pl.LazyFrame:
    """Time bars with volume, as floats; none of a basket: which bar would stand against which?"""
    bars = view.scan("candles").filter(pl.col("kind") == "time", pl.col("volume") > 0)
    alone = pl.struct("instrument_id", "publisher_id").n_unique() == 1
    return bars.filter(alone).select(*_KEY, pl.col("close", "volume").cast(pl.Float64))


def _note(note: str, more: dict[str, Any] | None = None) -> Finding:
    return Finding("candles", "cross_vendor", True, "info", detail={"note": note, **(more or {})})


CHECK: Check = CrossVendor()
