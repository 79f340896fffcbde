"""Every key once, and what overlapped on the way accounted for. Rows that merely look alike are told, never blamed."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from market_data.domain.check_support.detail import FIRST, shown_row
from market_data.domain.check_support.scan import collected, previous, repeated_hashes
from market_data.domain.check_support.tables import FETCHED, existing, nothing_to_judge
from market_data.domain.ports.check import Check, Dimension, Finding, PartitionView, RevisionFacts, Thresholds
from market_data.domain.ports.source import Delivery
from market_data.domain.tables import table as table_named

_BARS = ("candles", "vendor_candles")
_IDS = ("first_id", "last_id", "id_holes")


class Dedup:
    """Keys are unique: the vendor's identity, else the place in its answer, else the table's own key."""

    dimension: Dimension = "quality"
    tables = (*FETCHED, "candles")
    thresholds = Thresholds

    def asks(self, view: PartitionView, table: str) -> Mapping[str, pl.Expr]:
        """Return how often the place in the vendor's answer ascends, where that is the key."""
        ascents = pl.col("ordinal") > previous("ordinal")
        return {"ascents": ascents.sum()} if _key(table, view.delivery(table)) == ("ordinal",) else {}

    def run(self, view: PartitionView) -> Sequence[Finding]:
        """Return a finding a table."""
        found = existing(view, self.tables)
        findings = [_judge(view, table, facts) for table, facts in found]
        return findings or nothing_to_judge(view, "dedup", self.tables)


def _judge(view: PartitionView, table: str, facts: RevisionFacts) -> Finding:
    rows, key = view.scan(table), _key(table, view.delivery(table))
    account = facts.account.as_dict()
    detail: dict[str, Any] = {
        "unit": "rows",
        "key": list(key),
        "rows": facts.rows,
        "deduplicated": facts.account.deduplicated,
        **{name: account[name] for name in _IDS if name in account},
    }
    if key == ("ordinal",):
        # Identical trades are genuine: 28,971 of 157,849 of GC futures. Hence told, and nothing more.
        detail["identical_rows"] = len(repeated_hashes(rows, pl.exclude("ordinal"), facts.rows))
    if table in _BARS and "kind" in key:
        rows, note = rows.filter(pl.col("kind") == "time"), "bars of other kinds may open at the same instant"
        detail |= {"judged": "bars of kind time", "note": note}
    proved = facts.rows <= 1 or _ascents(view, table, facts) == facts.rows - 1
    repeated = None if proved else _repeated(rows, key, facts.rows)
    if repeated is None or not len(repeated):
        return Finding(table, "dedup", True, "info", 0.0, 0.0, detail)
    detail["first"] = [shown_row(row) for row in repeated.head(FIRST).iter_rows(named=True)]
    measured = int(repeated["rows_with_it"].sum()) - len(repeated)
    return Finding(table, "dedup", False, "error", float(measured), 0.0, detail)


def _ascents(view: PartitionView, table: str, facts: RevisionFacts) -> int | None:
    """Return how many rows have a greater key than the row before: all but the first, and they are unique, none null.

    None where that proves nothing. Ids are read in a pass of their own: as text they cost more than all the rest.
    """
    delivery = view.delivery(table)
    if delivery is not None and delivery.running_id:
        ids = view.scan(table).select(id=pl.col(delivery.identity[0]).cast(pl.Int64, strict=False))
        return int(collected(ids.select((pl.col("id") > pl.col("id").shift(1)).sum()), facts.rows).item())
    return view.figures("dedup", table).get("ascents")


def _key(table: str, delivery: Delivery | None) -> tuple[str, ...]:
    """Return the columns that no two rows may share."""
    if delivery is not None and delivery.identity:
        return delivery.identity
    order = table_named(table).order
    return ("ordinal",) if "ordinal" in order else order


def _repeated(rows: pl.LazyFrame, key: Sequence[str], count: int) -> pl.DataFrame | None:
    """Return the keys that several rows share, with how many do, in order of the keys; None where there is none.

    Hashes name the suspects, which then are counted by the keys themselves.
    """
    hashes = repeated_hashes(rows, key, count)
    if not len(hashes):
        return None
    suspects = rows.filter(pl.struct(key).hash().is_in(hashes.unique().implode()))
    counted = suspects.group_by(key).agg(rows_with_it=pl.len()).filter(pl.col("rows_with_it") > 1).sort(key)
    return collected(counted, count)


CHECK: Check = Dedup()
