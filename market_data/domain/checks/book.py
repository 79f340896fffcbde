"""Bid and ask against each other, and their sizes. How prices move is another check's."""

from collections.abc import Mapping, Sequence

import polars as pl
from pydantic import Field

from market_data.domain.check_support.rules import Rule, first_rows, judged
from market_data.domain.check_support.scan import usual
from market_data.domain.check_support.tables import existing, nothing_to_judge
from market_data.domain.ports.check import Check, Dimension, Finding, PartitionView, RevisionFacts, Thresholds

_BID, _ASK = pl.col("bid_price"), pl.col("ask_price")
_CROSSED, _LOCKED = _BID > _ASK, _BID == _ASK
_ZERO = (pl.col("bid_size") == 0) & _BID.is_not_null() | (pl.col("ask_size") == 0) & _ASK.is_not_null()
_LARGEST = pl.max_horizontal(pl.col("bid_size", "ask_size").cast(pl.Float64))
_MIDDLE = ((_BID.cast(pl.Float64) + _ASK.cast(pl.Float64)) / 2).abs()
_SPREAD = pl.when(_BID < _ASK).then((_ASK.cast(pl.Float64) - _BID.cast(pl.Float64)) / _MIDDLE)
_QUANTILE = 0.99


class Limits(Thresholds):
    """How many quotes may be odd."""

    crossed: int = Field(default=0, ge=0, description="how many quotes may have a bid above the ask")
    locked_share: float = Field(
        default=0.05, ge=0, le=1, description="which share of quotes may have a bid equal to the ask"
    )
    times_usual_spread: float = Field(
        default=50.0, gt=1, description="a spread is absurd from so many times the day's median on ..."
    )
    least_absurd_spread: float = Field(
        default=0.05, ge=0, description="... if it is also wider than this share of the price"
    )
    absurd_spread: int = Field(default=0, ge=0, description="how many quotes may have an absurd spread")
    zero_size: int = Field(default=0, ge=0, description="how many quotes may have a price with a size of 0")
    times_usual_size: float = Field(
        default=1_000.0, gt=1, description="a size is absurd from so many times the 99th percentile of the day's on"
    )
    absurd_size: int = Field(default=0, ge=0, description="how many quotes may have an absurd size")


class Book:
    """Crossed and locked quotes, absurd spreads, sizes of zero and absurd ones."""

    dimension: Dimension = "quality"
    tables = ("quotes",)
    thresholds = Limits

    def asks(self, view: PartitionView, table: str) -> Mapping[str, pl.Expr]:
        """Return all of it in one pass."""
        facts = view.facts(table)
        rows = facts.rows if facts else 0
        return {
            "crossed": _CROSSED.sum(),
            "locked": _LOCKED.sum(),
            "zero": _ZERO.sum(),
            "one_sided": (_BID.is_null() | _ASK.is_null()).sum(),
            "usual_spread": usual(_SPREAD, 0.5, rows),
            "widest": _SPREAD.max(),
            "usual_size": usual(_LARGEST, _QUANTILE, rows),
            "largest": _LARGEST.max(),
        }

    def run(self, view: PartitionView) -> Sequence[Finding]:
        """Return findings of the quotes; quotes of one side only are counted, and pass."""
        found = existing(view, self.tables)
        findings = [finding for table, facts in found for finding in _judge(view, table, facts)]
        return findings or nothing_to_judge(view, "book", self.tables)


def _judge(view: PartitionView, table: str, facts: RevisionFacts) -> list[Finding]:
    limits, seen = view.thresholds("book", table, Limits), view.figures("book", table)
    spread = max(limits.least_absurd_spread, (seen["usual_spread"] or 0.0) * limits.times_usual_spread)
    size = (seen["usual_size"] or 0.0) * limits.times_usual_size
    wide, large = spread < (seen["widest"] or 0.0), 0 < size < (seen["largest"] or 0.0)
    conditions = {
        "crossed": (_CROSSED, seen["crossed"], limits.crossed),
        "absurd_spread": (spread < _SPREAD, None if wide else 0, limits.absurd_spread),
        "zero_size": (_ZERO, seen["zero"], limits.zero_size),
        "absurd_size": (size < _LARGEST, None if large else 0, limits.absurd_size),
    }
    rules = [_rule(view, table, facts, name, *of) for name, of in conditions.items()]
    locked_share = seen["locked"] / facts.rows if facts.rows else 0.0
    rules.append(Rule("locked", "share of quotes", locked_share, limits.locked_share))
    told = {name: seen[name] for name in ("crossed", "locked", "one_sided", "usual_spread", "usual_size")}
    return judged(table, "book", rules, {"rows": facts.rows, **told})


def _rule(
    view: PartitionView, table: str, facts: RevisionFacts, name: str, where: pl.Expr, count: int | None, allowed: int
) -> Rule:
    """`count` None: the largest of all is beyond the bound, so that rows must be counted."""
    if count is None:
        count = int(view.scan(table).select(where.sum()).collect().item())
    detail = {"first": first_rows(view, table, where, facts.rows)} if count > allowed else {}
    return Rule(name, "quotes", count, allowed, "warning", detail)


CHECK: Check = Book()
