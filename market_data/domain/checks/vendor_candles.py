"""Our time bars against the vendor's, value by value. Bars of other kinds no vendor publishes; bounds are `ohlc`'s."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from market_data.domain.check_support.detail import FIRST, instant, shown
from market_data.domain.check_support.scan import collected
from market_data.domain.ports.check import Check, Dimension, Finding, PartitionView, RevisionFacts, Thresholds

_GROUP = ("timeframe", "instrument_id", "publisher_id")
_KEY = (*_GROUP, "ts_open")
_COMPARED = ("open", "high", "low", "close", "volume", "quote_volume", "trade_count")
_VALUES = (*_COMPARED, "vwap")
_FAILING = ("different", "absent_here", "absent_there")
_OUTCOMES = ("equal", *_FAILING, "previous_close_unknown", "halt_or_not_published")
Counts = Mapping[str, Any]


class VendorCandles:
    """Exact equality of what the vendor publishes; a null of the vendor's is not compared, and said.

    Not failures: flat bars without volume that the vendor does not have (a halt has no row); flat bars of the vendor's
    before our first one on a day whose previous close is unknown; and `vwap`, which is counted apart, because every
    vendor rounds the quotient its own way, while the two sums it is made of are compared exactly.
    """

    dimension: Dimension = "consistency"
    tables = ("candles",)
    thresholds = Thresholds

    def run(self, view: PartitionView) -> Sequence[Finding]:
        """Return a finding for each timeframe that both sides have.

        `measured` is how many bars differ or are absent.
        """
        if "vendor_candles" not in view.tables:
            return [_note("nothing to compare with: the feed has no vendor_candles")]
        ours, theirs = view.facts("candles"), view.facts("vendor_candles")
        missing = [name for name, facts in (("candles", ours), ("vendor_candles", theirs)) if facts is None]
        if ours is None or theirs is None:
            note = f"{' and '.join(missing)} of the day must be materialized first"
            return [Finding("candles", "vendor_candles", passed=False, severity="warning", detail={"note": note})]
        return _compare(view, ours, theirs)


def _compare(view: PartitionView, ours: RevisionFacts, theirs: RevisionFacts) -> list[Finding]:
    rows = ours.rows + theirs.rows
    bars = _joined(view, first_close_known=ours.notes.get("previous_close_known") is not False)
    counted = collected(bars.group_by("timeframe").agg(_counts()).sort("timeframe"), rows).to_dicts()
    # A day on which one side has no row at all is compared with all the other side has.
    one_is_empty = ours.rows == 0 or theirs.rows == 0
    judged = [counts for counts in counted if one_is_empty or (counts["here"] and counts["there"])]
    others = {
        "only_here": [each["timeframe"] for each in counted if each not in judged and each["here"]],
        "only_there": [each["timeframe"] for each in counted if each not in judged and each["there"]],
    }
    if not judged:
        return [_note("nothing to compare: no timeframe has bars on both sides", others)]
    return [_judge(bars, counts, others, rows) for counts in judged]


def _judge(bars: pl.LazyFrame, counts: Counts, others: Counts, rows: int) -> Finding:
    measured = sum(counts[outcome] for outcome in _FAILING)
    detail: dict[str, Any] = {
        "timeframe": counts["timeframe"],
        "unit": "bars",
        "compared": counts["equal"] + counts["different"],
        **{outcome: counts[outcome] for outcome in _OUTCOMES},
        "different_in": {name: n for name in _COMPARED if (n := counts[f"different {name}"])},
        "vwap_different": counts["different vwap"],
        "not_published": {name: n for name in _VALUES if (n := counts[f"unknown {name}"])},
        **others,
    }
    if measured:
        failing = (pl.col("timeframe") == counts["timeframe"]) & pl.col("outcome").is_in(_FAILING)
        first = collected(bars.filter(failing).sort(_KEY).head(FIRST), rows)
        detail["first"] = [_difference(row) for row in first.iter_rows(named=True)]
    severity = "error" if measured else "info"
    return Finding("candles", "vendor_candles", not measured, severity, float(measured), 0.0, detail)


def _joined(view: PartitionView, *, first_close_known: bool) -> pl.LazyFrame:
    """Our bars and the vendor's side by side, each with its outcome."""
    time_bars = pl.col("kind") == "time"
    ours = view.scan("candles").filter(time_bars).select(*_KEY, *_VALUES, here=pl.lit(value=True))
    theirs = view.scan("vendor_candles").filter(time_bars).select(*_KEY, *_VALUES, there=pl.lit(value=True))
    bars = ours.join(theirs, on=_KEY, how="full", nulls_equal=True, coalesce=True, suffix="_there")
    bars = bars.with_columns(pl.col("here", "there").fill_null(value=False))
    leading = pl.lit(value=False)
    if not first_close_known:
        first = pl.col("ts_open").filter("here").min().over(_GROUP)
        leading = (pl.col("ts_open") < first).fill_null(value=True)
    return bars.with_columns(outcome=_outcome(leading))


def _outcome(leading: pl.Expr) -> pl.Expr:
    """Return one of `_OUTCOMES`. `leading`: the bar lies before our first one, and the close before that is unknown."""
    different = pl.any_horizontal(_differs(name) for name in _COMPARED)
    return (
        pl.when("here", "there")
        .then(pl.when(different).then(pl.lit("different")).otherwise(pl.lit("equal")))
        .when("here")
        .then(pl.when(_is_empty("")).then(pl.lit("halt_or_not_published")).otherwise(pl.lit("absent_there")))
        .when(leading & _is_empty("_there"))
        .then(pl.lit("previous_close_unknown"))
        .otherwise(pl.lit("absent_here"))
    )


def _differs(name: str) -> pl.Expr:
    there = pl.col(f"{name}_there")
    return there.is_not_null() & pl.col(name).ne_missing(there)


def _is_only_ours(name: str) -> pl.Expr:
    return pl.col(name).is_not_null() & pl.col(f"{name}_there").is_null()


def _is_empty(side: str) -> pl.Expr:
    """Return a flat bar without volume."""
    prices = [pl.col(f"{name}{side}") for name in ("open", "high", "low", "close")]
    flat = pl.all_horizontal(price == prices[0] for price in prices[1:])
    return (flat & (pl.col(f"volume{side}") == 0)).fill_null(value=False)


def _counts() -> list[pl.Expr]:
    both = pl.col("here") & pl.col("there")
    return [
        pl.col("here", "there").sum(),
        *((pl.col("outcome") == outcome).sum().alias(outcome) for outcome in _OUTCOMES),
        *((both & _differs(name)).sum().alias(f"different {name}") for name in _VALUES),
        *((both & _is_only_ours(name)).sum().alias(f"unknown {name}") for name in _VALUES),
    ]


def _difference(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a bar that is not as it should be, with the values that differ, ours and the vendor's."""
    both = row["here"] and row["there"]
    unlike = [name for name in _COMPARED if row[f"{name}_there"] not in (None, row[name])]
    names = unlike if both else _COMPARED
    return {
        "instrument_id": row["instrument_id"],
        "publisher_id": row["publisher_id"],
        "ts_open": instant(row["ts_open"]),
        "outcome": row["outcome"],
        "here": {name: _text(row[name]) for name in names} if row["here"] else None,
        "there": {name: _text(row[f"{name}_there"]) for name in names} if row["there"] else None,
    }


def _text(value: object) -> str | None:
    return None if value is None else str(shown(value))


def _note(note: str, more: Counts | None = None) -> Finding:
    detail = {"note": note, **(more or {})}
    return Finding("candles", "vendor_candles", passed=True, severity="info", detail=detail)


CHECK: Check = VendorCandles()
