"""Sizes and sides of trades. Their prices are another check's."""

from collections.abc import Mapping, Sequence

import polars as pl
from pydantic import Field

from market_data.domain.check_support.rules import Rule, first_rows, judged
from market_data.domain.check_support.scan import usual
from market_data.domain.check_support.tables import existing, nothing_to_judge
from market_data.domain.ports.check import Check, Dimension, Finding, PartitionView, RevisionFacts, Thresholds

_ZERO = pl.col("size") == 0
_QUANTILE = 0.99
_FEWEST = 100
"""Of so few trades nothing is usual: ten BitMEX trades of sizes from 1 to 2,152 are an ordinary minute."""


class Limits(Thresholds):
    """How many trades may be odd."""

    zero_size: int = Field(default=0, ge=0, description="how many trades may have a size of 0")
    times_usual_size: float = Field(
        default=1_000.0, gt=1, description="a size is absurd from so many times the 99th percentile of the day's on"
    )
    absurd_size: int = Field(default=0, ge=0, description="how many trades may have an absurd size")
    unknown_side_share: float = Field(
        default=1.0, ge=0, le=1, description="which share of trades may come without the aggressor's side"
    )


class Tape:
    """Trades of no size, of an absurd one, and without a side."""

    dimension: Dimension = "quality"
    tables = ("trades",)
    thresholds = Limits

    def asks(self, view: PartitionView, table: str) -> Mapping[str, pl.Expr]:
        """Return all of it in one pass."""
        size, facts = pl.col("size"), view.facts(table)
        return {
            "zero": _ZERO.sum(),
            "usual": usual(size.cast(pl.Float64), _QUANTILE, facts.rows if facts else 0),
            "largest": size.max().cast(pl.Float64),
            "unknown": pl.col("side").null_count(),
        }

    def run(self, view: PartitionView) -> Sequence[Finding]:
        """Return findings of the trades.

        A side that the vendor does not tell is counted and passes, unless configured.
        """
        found = existing(view, self.tables)
        findings = [finding for table, facts in found for finding in _judge(view, table, facts)]
        return findings or nothing_to_judge(view, "tape", self.tables)


def _judge(view: PartitionView, table: str, facts: RevisionFacts) -> list[Finding]:
    limits, seen = view.thresholds("tape", table, Limits), view.figures("tape", table)
    bound = (seen["usual"] or 0.0) * limits.times_usual_size if facts.rows >= _FEWEST else 0.0
    absurd = (pl.col("size").cast(pl.Float64) > bound) if bound else pl.lit(value=False)
    absurd_rows = 0
    if bound and seen["largest"] > bound:
        absurd_rows = int(view.scan(table).select(absurd.sum()).collect().item())
    unknown_share = seen["unknown"] / facts.rows if facts.rows else 0.0
    rules = [
        _rule(view, facts, "zero_size", _ZERO, seen["zero"], limits.zero_size),
        _rule(view, facts, "absurd_size", absurd, absurd_rows, limits.absurd_size),
        Rule("unknown_side", "share of trades", unknown_share, limits.unknown_side_share),
    ]
    told = {"rows": facts.rows, "unknown_sides": seen["unknown"], "usual_size": seen["usual"]}
    return judged(table, "tape", rules, told)


def _rule(view: PartitionView, facts: RevisionFacts, name: str, where: pl.Expr, count: int, allowed: int) -> Rule:
    detail = {"first": first_rows(view, "trades", where, facts.rows)} if count > allowed else {}
    return Rule(name, "trades", count, allowed, "warning", detail)


CHECK: Check = Tape()
