"""From what a family counted to its findings: one for each rule that is broken, else one that passes. No rules."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from market_data.domain.check_support.detail import FIRST, shown_row
from market_data.domain.check_support.scan import collected, with_previous
from market_data.domain.ports.check import Finding, PartitionView, Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a family, judged.

    Attributes:
        measured: what was measured, in `unit`; it is broken above the threshold.
        detail: what a person needs to act, where it is broken.
    """

    name: str
    unit: str
    measured: float
    threshold: float
    severity: Severity = "warning"
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def broken(self) -> bool:
        """Return whether more was measured than may be."""
        return self.measured > self.threshold


def judged(table: str, check: str, rules: Sequence[Rule], told: Mapping[str, Any] | None = None) -> list[Finding]:
    """Return a finding for each broken rule; where none is, one that passes and tells what each measured.

    Args:
        told: figures that are worth knowing either way.
    """
    broken = [rule for rule in rules if rule.broken]
    if broken:
        return [_finding(table, check, rule, told or {}) for rule in broken]
    measured = {rule.name: _plain(rule.measured) for rule in rules if rule.measured}
    unit = rules[0].unit if len({rule.unit for rule in rules}) == 1 else "broken rules"
    return [Finding(table, check, True, "info", 0.0, 0.0, {"unit": unit, **measured, **(told or {})})]


def _finding(table: str, check: str, rule: Rule, told: Mapping[str, Any]) -> Finding:
    detail = {"rule": rule.name, "unit": rule.unit, **told, **rule.detail}
    return Finding(table, check, False, rule.severity, float(rule.measured), float(rule.threshold), detail)


def _plain(value: float) -> float | int:
    return int(value) if float(value).is_integer() else value


def first_rows(view: PartitionView, table: str, condition: pl.Expr, rows: int) -> list[dict[str, Any]]:
    """Return the first rows for which the condition holds, in the table's order."""
    found = collected(with_previous(view.scan(table), [condition]).filter(condition).head(FIRST), rows)
    return [shown_row(row) for row in found.select(view.scan(table).collect_schema().names()).iter_rows(named=True)]


def columns_of(view: PartitionView, table: str) -> frozenset[str]:
    """Return the columns of a table of the partition: sources have more than the contract's."""
    return frozenset(view.scan(table).collect_schema().names())


def shown_rows(frame: pl.DataFrame, names: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """Return the first rows of a small frame, for a detail."""
    chosen = frame.select(list(names)) if names is not None else frame
    return [shown_row(row) for row in chosen.head(FIRST).iter_rows(named=True)]
