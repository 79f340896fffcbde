"""What is not there: a session without rows, ids, times, and what the vendor itself says of the day."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl
from pydantic import Field

from market_data.domain.check_support.detail import FIRST, instant
from market_data.domain.check_support.rules import Rule, judged
from market_data.domain.check_support.silences import Silence, silences, witness
from market_data.domain.check_support.tables import FETCHED, existing, nothing_to_judge
from market_data.domain.ports.check import Check, Dimension, Finding, PartitionView, RevisionFacts, Thresholds
from market_data.domain.time import NS_PER_MINUTE, NS_PER_SECOND

_EXPECTED_DAILY = ("trades", "quotes", "vendor_candles")
_TICKS = ("trades", "quotes")
_GOOD = ("available", "ok", "complete")
_STAND_FOR_NO_ID = "identity_is_unique"
"""The quarantine's rule for records whose id another row has: they leave no hole."""


class Limits(Thresholds):
    """What may be missing."""

    empty_sessions: int = Field(
        default=0, ge=0, le=1, description="1 where a session without a row is usual, as for an option far from money"
    )
    missing_ids: int = Field(default=0, ge=0, description="how many of the vendor's running ids may be missing")
    gap_seconds: float = Field(
        default=60.0, ge=60, description="a silence of ticks may be a gap from this length on; 60 at least"
    )
    busy_rows: int = Field(
        default=100, ge=10, description="... if so many rows came in as long a time before it, and after it"
    )
    gaps: int = Field(default=0, ge=0, description="how many gaps there may be")
    unwitnessed_minutes: float = Field(
        default=120.0,
        ge=1,
        description="a silence of which nothing in the partition tells whether it is a halt or a gap is reported from "
        "this length on",
    )


class Completeness:
    """Sessions have rows, ids no holes, busy times no gaps, and the vendor calls the day good."""

    dimension: Dimension = "completeness"
    tables = FETCHED
    thresholds = Limits

    def run(self, view: PartitionView) -> Sequence[Finding]:
        """Return findings of each table. An empty minute, an illiquid day and a halt are no gaps; halts are counted."""
        found = existing(view, self.tables)
        findings = [finding for table, facts in found for finding in _judge(view, table, facts)]
        return findings or nothing_to_judge(view, "completeness", self.tables)


def _judge(view: PartitionView, table: str, facts: RevisionFacts) -> list[Finding]:
    limits = view.thresholds("completeness", table, Limits)
    rules = [_vendor(facts)]
    if table in _EXPECTED_DAILY:
        empty = view.has_session and facts.rows == 0
        note = {"note": "a session day without data"}
        rules.append(Rule("empty_session", "sessions", float(empty), limits.empty_sessions, "warning", note))
    if facts.account.id_holes is not None:
        rules.append(_missing_ids(view, table, facts, limits))
    told: dict[str, Any] = {"rows": facts.rows, "session": view.has_session}
    if table in _TICKS and facts.rows:
        said = _witnessed(view, table, limits)
        rules += _silences(said, limits)
        told |= {f"silences_{word}": count for word, count in Counter(word for _, word in said).items()}
    return judged(table, "completeness", rules, told)


def _vendor(facts: RevisionFacts) -> Rule:
    """Return what the vendor itself says is wrong with the day."""
    condition, remarks = facts.notes.get("condition"), list(facts.notes.get("remarks") or ())
    bad = condition is not None and str(condition).lower() not in _GOOD
    detail = {"condition": condition, "remarks": remarks}
    return Rule("vendor_calls_it_bad", "remarks", float(max(len(remarks), bad)), 0.0, "warning", detail)


def _missing_ids(view: PartitionView, table: str, facts: RevisionFacts, limits: Limits) -> Rule:
    """Ids that neither a row nor a record in quarantine has."""
    account = facts.account
    aside = 0
    if account.rejected and account.id_holes:
        records = view.scan("quarantine").filter(pl.col("table") == table, pl.col("rule") != _STAND_FOR_NO_ID)
        aside = int(records.select(pl.len()).collect().item())
    missing = max(0, (account.id_holes or 0) - aside)
    detail = {"first_id": account.first_id, "last_id": account.last_id, "in_quarantine": aside}
    return Rule("missing_ids", "ids", missing, limits.missing_ids, "warning", detail)


def _witnessed(view: PartitionView, table: str, limits: Limits) -> list[tuple[Silence, str]]:
    """Return silences between busy times, each with what the rest of the partition says of it."""
    found = silences(view, table, int(limits.gap_seconds * NS_PER_SECOND), limits.busy_rows)
    return [(silence, witness(view, table, silence, limits.busy_rows)) for silence in found]


def _silences(said: Sequence[tuple[Silence, str]], limits: Limits) -> Iterator[Rule]:
    lost = [silence for silence, word in said if word == "lost"]
    yield Rule("gaps", "gaps", len(lost), limits.gaps, "error", _shown(lost))
    longest_ns = limits.unwitnessed_minutes * NS_PER_MINUTE
    unclear = [s for s, word in said if word == "none" and s.inner and s.end - s.start >= longest_ns]
    note = {"note": "a halt, or lost data: nothing else in the partition tells which"}
    yield Rule("unexplained_silences", "silences", len(unclear), 0, "warning", {**note, **_shown(unclear)})


def _shown(found: Sequence[Silence]) -> dict[str, Any]:
    if not found:
        return {}
    return {"longest_seconds": round(found[0].seconds, 3), "first": [_row(silence) for silence in found[:FIRST]]}


def _row(silence: Silence) -> dict[str, Any]:
    known = {"instrument_id": silence.instrument_id, "publisher_id": silence.publisher_id}
    times = {"from": instant(silence.start), "to": instant(silence.end), "seconds": round(silence.seconds, 3)}
    return {**{name: value for name, value in known.items() if value is not None}, **times}


CHECK: Check = Completeness()
