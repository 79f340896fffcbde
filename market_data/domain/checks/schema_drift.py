"""Columns against those of the day before: the vendor's own, where the source tells them, and ours."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import Field

from market_data.domain.check_support.rules import Rule, judged
from market_data.domain.check_support.tables import FETCHED, existing, nothing_to_judge
from market_data.domain.ports.check import Check, Dimension, Finding, PartitionView, RevisionFacts, Thresholds


class Limits(Thresholds):
    """What may drift."""

    changed_columns: int = Field(
        default=0,
        ge=0,
        description="how many columns of the vendor's file may come, go or move from day to day",
    )


class SchemaDrift:
    """The vendor's columns are those of the day before; ours only change with the code."""

    dimension: Dimension = "consistency"
    tables = FETCHED
    thresholds = Limits

    def run(self, view: PartitionView) -> Sequence[Finding]:
        """Return findings of each table. The vendor's own columns are what its source notes as `columns`.

        Not all do.
        """
        found = existing(view, self.tables)
        findings = [finding for table, facts in found for finding in _judge(view, table, facts)]
        return findings or nothing_to_judge(view, "schema_drift", self.tables)


def _judge(view: PartitionView, table: str, facts: RevisionFacts) -> list[Finding]:
    before = view.facts_before(table)
    theirs = facts.notes.get("columns")
    told: dict[str, Any] = {"columns": facts.columns, "vendor_columns_known": theirs is not None}
    if before is None:
        return judged(table, "schema_drift", [Rule("columns", "columns", 0, 0)], {**told, "note": "no day before"})
    limits = view.thresholds("schema_drift", table, Limits)
    return judged(table, "schema_drift", list(_rules(facts, before, limits)), told)


def _rules(facts: RevisionFacts, before: RevisionFacts, limits: Limits) -> Iterator[Rule]:
    now, then = facts.notes.get("columns"), before.notes.get("columns")
    if now is not None and then is not None:
        gone, new = [name for name in then if name not in now], [name for name in now if name not in then]
        stayed_now, stayed_then = [name for name in now if name in then], [name for name in then if name in now]
        moved = [name for name, other in zip(stayed_now, stayed_then, strict=True) if name != other]
        detail = {"gone": gone, "new": new, "moved": moved}
        measured = len(gone) + len(new) + len(moved)
        yield Rule("vendor_columns", "columns", measured, limits.changed_columns, "warning", detail)
    by_code = facts.code_version != before.code_version
    changed = facts.columns != before.columns and not by_code
    yield Rule("our_columns", "tables", float(changed), 0, "warning", {"columns_before": before.columns})


CHECK: Check = SchemaDrift()
