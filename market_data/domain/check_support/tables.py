"""Which tables a check finds in a partition, and what it says where it finds none. No rules."""

from collections.abc import Iterator, Sequence

from market_data.domain.ports.check import Finding, PartitionView, RevisionFacts
from market_data.domain.tables import BOOKKEEPING, DERIVED, table_names

FETCHED = tuple(
    sorted((name for name in table_names() if name not in (*DERIVED, *BOOKKEEPING)), key=lambda name: name != "trades")
)
"""Every table that a source may deliver; trades first, because there a check of several tables is looked for."""


def existing(view: PartitionView, tables: Sequence[str]) -> Iterator[tuple[str, RevisionFacts]]:
    """Yield those of the tables that the feed has and that exist for the day, with the ledger's facts."""
    for table in tables:
        if table in view.tables and (facts := view.facts(table)) is not None:
            yield table, facts


def nothing_to_judge(view: PartitionView, check: str, tables: Sequence[str]) -> list[Finding]:
    """Return what a check says of tables none of which exists for the day; `freshness` says whether they should."""
    detail = {"note": "nothing to judge: the table does not exist for this day"}
    return [Finding(name, check, passed=True, severity="info", detail=detail) for name in tables if name in view.tables]


def clock_of(view: PartitionView, table: str) -> str:
    """Return the column by which the table's rows are ordered and filed."""
    delivery = view.delivery(table)
    return (delivery.clock if delivery is not None else None) or "ts_event"
