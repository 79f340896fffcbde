"""The bounds of every bar, ours and the vendor's. Whether the two agree is another check."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from market_data.domain.check_support.detail import FIRST, shown_row
from market_data.domain.check_support.scan import collected
from market_data.domain.check_support.tables import existing, nothing_to_judge
from market_data.domain.ports.check import Check, Dimension, Finding, PartitionView, Thresholds

_COLUMNS = ("open", "high", "low", "close", "volume", "vwap", "trade_count")
_SHOWN = ("kind", "timeframe", "instrument_id", "publisher_id", "ts_open", *_COLUMNS)
_OPEN, _HIGH, _LOW, _CLOSE = (pl.col(name) for name in _COLUMNS[:4])
_TRADED = pl.col("volume") > 0

# Null where a value that decides is null: such a bar is neither sound nor broken by that rule. `vwap` needs no
# tolerance: what lies between two prices still does when it is rounded to more digits than they have.
_BROKEN: Mapping[str, pl.Expr] = {
    "low_is_not_above_open": _LOW > _OPEN,
    "low_is_not_above_close": _LOW > _CLOSE,
    "low_is_not_above_high": _LOW > _HIGH,
    "open_is_not_above_high": _OPEN > _HIGH,
    "close_is_not_above_high": _CLOSE > _HIGH,
    "vwap_is_between_low_and_high": _TRADED & ((pl.col("vwap") < _LOW) | (pl.col("vwap") > _HIGH)),
    "volume_is_not_negative": pl.col("volume") < 0,
    "trade_count_is_positive_where_volume_is": _TRADED & (pl.col("trade_count") <= 0),
}


class Ohlc:
    """Low <= open, close <= high; vwap between them; volume >= 0; trades where there is volume."""

    dimension: Dimension = "quality"
    tables = ("candles", "vendor_candles")
    thresholds = Thresholds

    def run(self, view: PartitionView) -> Sequence[Finding]:
        """Return a finding a table; nulls are what the vendor does not publish: not judged, and said."""
        findings = [_judge(table, view.scan(table), facts.rows) for table, facts in existing(view, self.tables)]
        return findings or nothing_to_judge(view, "ohlc", self.tables)


def _judge(table: str, bars: pl.LazyFrame, rows: int) -> Finding:
    offending = pl.any_horizontal(*_BROKEN.values()).fill_null(value=False)
    counts = collected(bars.select(_counts(offending)), rows).row(0, named=True)
    detail: dict[str, Any] = {
        "unit": "bars",
        "bars": counts["bars"],
        "broken": {rule: counts[f"broken {rule}"] for rule in _BROKEN},
        "nulls": {name: nulls for name in _COLUMNS if (nulls := counts[f"nulls {name}"])},
        "skipped": {rule: skipped for rule in _BROKEN if (skipped := counts[f"skipped {rule}"])},
    }
    passed = counts["offending"] == 0
    if not passed:
        first = collected(bars.filter(offending).select(_SHOWN).head(FIRST), rows)
        detail["first"] = [shown_row(row) for row in first.iter_rows(named=True)]
    severity = "info" if passed else "error"
    return Finding(table, "ohlc", passed, severity, float(counts["offending"]), 0.0, detail)


def _counts(offending: pl.Expr) -> list[pl.Expr]:
    return [
        pl.len().alias("bars"),
        offending.sum().alias("offending"),
        *(broken.sum().alias(f"broken {rule}") for rule, broken in _BROKEN.items()),
        *(broken.null_count().alias(f"skipped {rule}") for rule, broken in _BROKEN.items()),
        *(pl.col(name).null_count().alias(f"nulls {name}") for name in _COLUMNS),
    ]


CHECK: Check = Ohlc()
