"""Order and clocks of ticks: what came before it happened, ran backwards or lies outside the day. No gaps."""

from collections.abc import Mapping, Sequence

import polars as pl
from pydantic import Field

from market_data.domain.check_support.rules import Rule, columns_of, first_rows, judged
from market_data.domain.check_support.scan import previous
from market_data.domain.check_support.tables import clock_of, existing, nothing_to_judge
from market_data.domain.ports.check import Check, Dimension, Finding, PartitionView, RevisionFacts, Severity, Thresholds
from market_data.domain.time import NS_PER_SECOND, day_bounds

_TOLD = ("events_of_another_day", "sent_out_of_order")
"""Counted, and no defect by themselves: how far back is what matters."""
_RECEIVED_EARLY = pl.col("ts_recv") - pl.col("ts_event")


class Limits(Thresholds):
    """Rows are counted, and may be this many; clocks are compared with a tolerance."""

    early_ns: int = Field(default=0, ge=0, description="how long before its event a row may be received, ns")
    early_rows: int = Field(default=0, ge=0, description="how many rows may be received earlier than that")
    backwards_seconds: float = Field(
        default=1.0,
        ge=0,
        description="how far a clock may run backwards from one row to the next in the vendor's order; gateways that "
        "are read in turn differ by less",
    )
    backwards_rows: int = Field(default=0, ge=0, description="how many rows may run backwards further than that")


class Ordering:
    """Received after it happened, clocks that run forwards in the vendor's order, times within the day."""

    dimension: Dimension = "quality"
    tables = ("trades", "quotes", "statistics")
    thresholds = Limits

    def asks(self, view: PartitionView, table: str) -> Mapping[str, pl.Expr]:
        """Return counts of one pass: the table lies in order of (clock, ordinal)."""
        columns, limits = columns_of(view, table), view.thresholds("ordering", table, Limits)
        asked = {name: expr.sum() for name, expr in _conditions(view, table, limits).items()}
        if "ts_event" in columns:
            asked["events_of_another_day"] = (~_within(view, "ts_event")).sum()
        return asked

    def run(self, view: PartitionView) -> Sequence[Finding]:
        """Return findings of each table.

        `events_of_another_day` are told: a day by time of receipt begins with some.
        """
        found = existing(view, self.tables)
        findings = [finding for table, facts in found for finding in _judge(view, table, facts)]
        return findings or nothing_to_judge(view, "ordering", self.tables)


def _conditions(view: PartitionView, table: str, limits: Limits) -> dict[str, pl.Expr]:
    columns, conditions = columns_of(view, table), dict[str, pl.Expr]()
    clock, tolerance = clock_of(view, table), int(limits.backwards_seconds * NS_PER_SECOND)
    follows = pl.col("ordinal") > previous("ordinal")
    if {"ts_event", "ts_recv"} <= columns:
        conditions["received_before_it_happened"] = -limits.early_ns > _RECEIVED_EARLY
    if clock in columns:
        conditions["outside_the_day"] = ~_within(view, clock)
        conditions["sent_out_of_order"] = ~follows
    other = "ts_recv" if clock == "ts_event" else None
    if other in columns:
        conditions["receipt_runs_backwards"] = follows & (pl.col(other) < previous(other) - tolerance)
    return conditions


def _judge(view: PartitionView, table: str, facts: RevisionFacts) -> list[Finding]:
    limits, counts = view.thresholds("ordering", table, Limits), dict(view.figures("ordering", table))
    told = {name: count for name in _TOLD if (count := counts.pop(name, 0))}
    if "sent_out_of_order" in told:
        counts["clock_runs_backwards"] = _clock_backwards(view, table, limits)
    conditions = _conditions(view, table, limits)
    rules: list[Rule] = []
    for name, count in counts.items():
        severity, allowed = _verdict(name, limits)
        rows = count or 0
        where = conditions.get(name) if rows > allowed else None
        first = {} if where is None else {"first": first_rows(view, table, where, facts.rows)}
        rules.append(Rule(name, "rows", rows, allowed, severity, first))
    return judged(table, "ordering", rules, {"rows": facts.rows, **told})


def _verdict(name: str, limits: Limits) -> tuple[Severity, int]:
    """Return how grave a rule is, and how many rows may break it."""
    if name == "outside_the_day":
        return "error", 0
    return "warning", limits.early_rows if name == "received_before_it_happened" else limits.backwards_rows


def _clock_backwards(view: PartitionView, table: str, limits: Limits) -> int:
    """Return how many rows the vendor sent after ones that are later by its own clock, beyond the tolerance."""
    clock = clock_of(view, table)
    rows = view.scan(table).select("ordinal", clock).sort("ordinal")
    behind = pl.col(clock) < pl.col(clock).cum_max().shift(1) - int(limits.backwards_seconds * NS_PER_SECOND)
    return int(rows.select(behind.sum()).collect().item())


def _within(view: PartitionView, column: str) -> pl.Expr:
    start, end = day_bounds(view.partition.date)
    return pl.col(column).is_between(start, end, closed="left")


CHECK: Check = Ordering()
