"""Prices of ticks that are far from their neighbours, and prices that stand still. Flagged, never removed."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from pydantic import Field

from market_data.domain.check_support.detail import FIRST, instant
from market_data.domain.check_support.minutes import KEYS, price_of
from market_data.domain.check_support.rules import Rule, columns_of, judged, shown_rows
from market_data.domain.check_support.scan import engine_for
from market_data.domain.check_support.tables import clock_of, existing, nothing_to_judge
from market_data.domain.ports.check import Check, Dimension, Finding, PartitionView, RevisionFacts, Thresholds
from market_data.domain.time import NS_PER_MINUTE

_WINDOW = 25
"""Ticks whose median a tick is held against: it in their middle. Up to twelve bad ones in a row do not move it."""
_MAD_WINDOW = 101
_FEWEST = 8
_TO_SIGMA = 1.4826
"""Times the median absolute deviation: the standard deviation, of a normal distribution."""
_COMMON, _TIMES_COMMON = 0.9, 2.0
"""What every tenth price does is no outlier: where a tick is a large share of the price, the bounce is a habit."""
_STEPS, _TICKS = 20, 2.5
_WHOLE_UP_TO = 100_000
"""Rows. A smaller table is judged tick by tick; of a larger one only the minutes in which prices moved enough."""
_OTHER_RUNS = 3


class Limits(Thresholds):
    """When a price is far off, and when it stands still."""

    deviations: float = Field(
        default=10.0,
        gt=0,
        description="a price is an outlier from so many robust standard deviations (1.4826 times the rolling median "
        "absolute deviation) off the median of the ticks around it on ...",
    )
    least_return: float = Field(
        default=0.01, gt=0, description="... if it is also off by this share, which a bounce of a tick is not"
    )
    outliers: int = Field(default=0, ge=0, description="how many outliers there may be")
    stale_minutes: float = Field(
        default=30.0, ge=2, description="a price is stale that does not change for so long, while rows come ..."
    )
    stale_surprise: float = Field(
        default=30.0,
        gt=0,
        description="... if that is as improbable as e to the power of minus this, by how often a minute of the "
        "instrument's day brings another price ...",
    )
    stale_times: float = Field(
        default=5.0, ge=1, description="... and lasts so many times as long as the fourth longest such run of the day"
    )
    stale: int = Field(default=0, ge=0, description="how many stale runs there may be")


class Prices:
    """No tick far from its neighbours by a rolling median absolute deviation, no price that stands improbably still."""

    dimension: Dimension = "quality"
    tables = ("trades", "quotes")
    thresholds = Limits

    def run(self, view: PartitionView) -> Sequence[Finding]:
        """Return findings of each table; of quotes the mean of bid and ask counts.

        Instruments that trade at or below zero have no returns, and no outliers.
        """
        found = existing(view, self.tables)
        findings = [finding for table, facts in found for finding in _judge(view, table, facts)]
        return findings or nothing_to_judge(view, "prices", self.tables)


def _judge(view: PartitionView, table: str, facts: RevisionFacts) -> list[Finding]:
    limits = view.thresholds("prices", table, Limits)
    minutes = view.minutes(table).lazy().filter(pl.col("low").is_not_null())
    positive = minutes.filter(pl.col("low").min().over(KEYS) > 0)
    chosen = _worth_a_look(positive, facts.rows, limits.least_return)
    if facts.rows > _WHOLE_UP_TO:  # else what takes time is to begin a query, not to run it
        found = chosen.collect()
        chosen = found.lazy() if len(found) else None
    outliers = pl.LazyFrame() if chosen is None else _outliers(view, table, chosen, limits)
    lowest = minutes.group_by(KEYS).agg(pl.col("low").min()).select((pl.col("low") <= 0).sum())
    outlying, runs, others = pl.collect_all([outliers, _runs(minutes), lowest], engine=engine_for(facts.rows))
    stale = _stale(runs, limits)
    rules = [
        Rule("outliers", "ticks", len(outlying), limits.outliers, "warning", {"first": shown_rows(outlying)}),
        Rule("stale", "runs", len(stale), limits.stale, "warning", {"first": stale[:FIRST]}),
    ]
    told = {"instruments_at_or_below_zero": n} if (n := others.item()) else {}
    return judged(table, "prices", rules, told)


def _outliers(view: PartitionView, table: str, chosen: pl.LazyFrame, limits: Limits) -> pl.LazyFrame:
    """Return the ticks of the chosen minutes that are too far off, in order of time."""
    columns = columns_of(view, table)
    keys, clock = [key for key in KEYS if key in columns], clock_of(view, table)
    ticks = view.scan(table).select(*keys, clock, "ordinal", price=price_of(columns))
    ticks = ticks.with_columns(minute=pl.col(clock) // NS_PER_MINUTE).filter(pl.col("price").is_not_null())
    looked_at = ticks.join(chosen, on=[*keys, "minute"], nulls_equal=True, maintain_order="left")
    over = [*keys, "stretch"]
    off = looked_at.with_columns(middle=_rolling("price", _WINDOW).over(over)).with_columns(
        off=(pl.col("price") / pl.col("middle") - 1).abs()
    )
    outlying = off.with_columns(bound=_bound(over, limits)).filter(
        pl.col("suspicious"), pl.col("off") > pl.col("bound"), ~_is_a_bounce(over)
    )
    return outlying.select(*keys, clock, "ordinal", "price", "middle", "off").sort(clock, "ordinal")


def _bound(over: list[str], limits: Limits) -> pl.Expr:
    """Return how far off a price may be: by deviations around it, never less than what a tenth of them exceeds."""
    mad = _rolling("off", _MAD_WINDOW).over(over)
    common = pl.col("off").rolling_quantile(_COMMON, window_size=_MAD_WINDOW, center=True, min_samples=_FEWEST)
    usual = limits.deviations * _TO_SIGMA * mad
    return pl.max_horizontal(limits.least_return, usual, _TIMES_COMMON * common.over(over))


def _is_a_bounce(over: list[str]) -> pl.Expr:
    """Return whether a price is a tick or two off, the smallest step of all.

    Where it moves enough to know that step.
    """
    moved = pl.col("price").diff().abs()
    step = pl.when(moved > 0).then(moved)
    known = step.count().over(over) >= _STEPS
    return known & ((pl.col("price") - pl.col("middle")).abs() < _TICKS * step.min().over(over))


def _rolling(column: str, window: int) -> pl.Expr:
    return pl.col(column).rolling_median(window, center=True, min_samples=_FEWEST)


def _worth_a_look(minutes: pl.LazyFrame, rows: int, least_return: float) -> pl.LazyFrame:
    """Minutes that may hold an outlier, and their neighbours; consecutive ones are a stretch of their own.

    Where all prices of a minute and of its neighbours, whose ticks fill the windows, lie closer together than an
    outlier is off, there is none.
    """
    low = pl.min_horizontal(pl.col("low"), *(pl.col("low").shift(n).over(KEYS) for n in (-1, 1)))
    high = pl.max_horizontal(pl.col("high"), *(pl.col("high").shift(n).over(KEYS) for n in (-1, 1)))
    few = pl.min_horizontal(*(pl.col("rows").shift(n).over(KEYS) for n in (-1, 1))).fill_null(_WINDOW) < _WINDOW
    suspicious = pl.lit(value=True) if rows <= _WHOLE_UP_TO else few | (high / low - 1 >= least_return)
    marked = minutes.with_columns(suspicious=suspicious, place=pl.int_range(pl.len()).over(KEYS))
    beside = [pl.col("suspicious").shift(n).over(KEYS).fill_null(value=False) for n in (-1, 1)]
    chosen = marked.filter(pl.any_horizontal("suspicious", *beside))
    stretch = (pl.col("place") != pl.col("place").shift(1).over(KEYS) + 1).fill_null(value=True).cum_sum().over(KEYS)
    return chosen.select(*KEYS, "minute", "suspicious", stretch=stretch)


def _runs(minutes: pl.LazyFrame) -> pl.LazyFrame:
    """Runs of minutes in which rows come and one price stands, longest first; a minute that moves is one by itself."""
    flat = pl.col("low") == pl.col("high")
    same = flat & flat.shift(1) & (pl.col("low") == pl.col("high").shift(1))
    return (
        minutes.with_columns(run=(~same.over(KEYS)).fill_null(value=True).cum_sum().over(KEYS))
        .group_by(*KEYS, "run", maintain_order=True)
        .agg(
            minutes=pl.len(),
            rows=pl.col("rows").sum(),
            first_ns=pl.col("first_ns").first(),
            last_ns=pl.col("last_ns").last(),
            price=pl.col("low").first(),
        )
        .sort("minutes", descending=True, maintain_order=True)
    )


def _stale(runs: pl.DataFrame, limits: Limits) -> list[dict[str, Any]]:
    """Return the runs that are too long to be believed."""
    least = pl.col("last_ns") - pl.col("first_ns") >= limits.stale_minutes * NS_PER_MINUTE
    long = runs.filter(least, pl.col("minutes") > 1)
    return [_run(run) for run in long.iter_rows(named=True) if _is_improbable(run, runs, limits)]


def _is_improbable(run: Mapping[str, Any], runs: pl.DataFrame, limits: Limits) -> bool:
    """By the rest of the day: how often a minute brings another price, and how long prices stand otherwise."""
    of_key = runs.filter(*(pl.col(key).eq_missing(run[key]) for key in KEYS))
    others = of_key.filter(pl.col("run") != run["run"])
    minutes = int(others["minutes"].sum())
    if not minutes:
        return False
    moving = min(len(others) / minutes, 0.99)
    usual = int(of_key["minutes"][_OTHER_RUNS]) if len(of_key) > _OTHER_RUNS else 1
    surprise = -(run["minutes"] - 1) * math.log1p(-moving)
    return surprise >= limits.stale_surprise and run["minutes"] >= limits.stale_times * usual


def _run(run: Mapping[str, Any]) -> dict[str, Any]:
    known = {key: run[key] for key in KEYS if run[key] is not None}
    times = {"from": instant(run["first_ns"]), "to": instant(run["last_ns"])}
    return {**known, **times, "price": run["price"], "rows": run["rows"], "minutes": run["minutes"]}


CHECK: Check = Prices()
