"""Whether a day that was traded was collected, and when; whether it has rows is for `completeness`.

Nothing here asks what time it is now.
"""

from collections.abc import Sequence
from typing import Any

from market_data.domain.check_support.detail import instant
from market_data.domain.ports.check import Check, Dimension, Finding, PartitionView, Thresholds
from market_data.domain.time import NS_PER_HOUR, day_bounds, to_ns


class Freshness:
    """By the feed's calendar: a session was collected, a day without one need not be."""

    dimension: Dimension = "completeness"
    tables = ("trades", "quotes", "vendor_candles")
    thresholds = Thresholds

    def run(self, view: PartitionView) -> Sequence[Finding]:
        """Return a finding a table. `measured`: hours from the day's end (00:00 UTC) to the first revision's commit.

        What came late is there by now, and passes: a backfill of old days is always late.
        """
        return [_judge(view, table) for table in self.tables if table in view.tables]


def _judge(view: PartitionView, table: str) -> Finding:
    facts, due_at = view.facts(table), instant(to_ns(view.due_at))
    detail: dict[str, Any] = {"session": view.has_session, "due_at": due_at}
    if facts is None:
        passed = not view.has_session
        detail["note"] = "no session on this day" if passed else f"missing; it was due at {due_at}"
        return Finding(table, "freshness", passed, "info" if passed else "error", detail=detail)
    committed = to_ns(facts.first_committed_at)
    hours = (committed - day_bounds(view.partition.date)[1]) / NS_PER_HOUR
    detail |= {
        "unit": "hours after the day's end",
        "rows": facts.rows,
        "first_committed_at": instant(committed),
        "late": facts.first_committed_at > view.due_at,
    }
    if not view.has_session:
        detail["note"] = "no session on this day"
    return Finding(table, "freshness", True, "info", hours, None, detail)


CHECK: Check = Freshness()
