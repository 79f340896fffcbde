"""Whether every record of a fetched table is accounted for: in the warehouse, repeated, or in quarantine."""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from market_data.domain.check_support.scan import collected
from market_data.domain.check_support.tables import FETCHED, existing, nothing_to_judge
from market_data.domain.ports.check import Check, Dimension, Finding, PartitionView, RevisionFacts, Thresholds


class RowAccount:
    """The figures of the ledger, the file and the quarantine must add up, and meet the vendor's own count."""

    dimension: Dimension = "completeness"
    tables = FETCHED
    thresholds = Thresholds

    def run(self, view: PartitionView) -> Sequence[Finding]:
        """Return a finding a table; where figures disagree, one for each pair that does.

        Records in quarantine, and ids that are missing between the first and the last, are a warning: the account
        adds up, and somebody should look.
        """
        findings = [finding for table, facts in existing(view, self.tables) for finding in _judge(view, table, facts)]
        return findings or nothing_to_judge(view, "row_account", self.tables)


def _judge(view: PartitionView, table: str, facts: RevisionFacts) -> list[Finding]:
    in_file = int(collected(view.scan(table).select(pl.len()), facts.rows).item())
    account = facts.account
    detail: dict[str, Any] = {"unit": "records", **account.as_dict(), "rows": in_file}
    mismatches = [
        Finding(table, "row_account", False, "error", float(abs(left - right)), 0.0, {**detail, "mismatch": words})
        for words, left, right in _equations(facts, in_file, view.set_aside(table))
        if left != right
    ]
    if mismatches:
        return mismatches
    detail["rejected_share"] = account.rejected / account.records if account.records else 0.0
    suspicious = account.rejected > 0 or (account.id_holes or 0) > 0
    severity = "warning" if suspicious else "info"
    return [Finding(table, "row_account", True, severity, float(account.rejected), None, detail)]


def _equations(facts: RevisionFacts, in_file: int, set_aside: int) -> Iterator[tuple[str, int, int]]:
    """Yield what must be equal, in words for where it is not."""
    account, rows = facts.account, facts.rows
    total = account.accepted + account.deduplicated + account.rejected
    parts = f"accepted {account.accepted} + deduplicated {account.deduplicated} + rejected {account.rejected}"
    yield f"{account.records} records came, but {parts} = {total}", account.records, total
    if account.expected is not None:
        words = f"the vendor says {account.expected} records, {account.records} came"
        yield words, account.expected, account.records
    yield f"{account.accepted} records were accepted, the ledger has {rows} rows", account.accepted, rows
    yield f"the ledger has {rows} rows, the file {in_file}", rows, in_file
    words = f"{account.rejected} records were rejected, {set_aside} stand in quarantine"
    yield words, account.rejected, set_aside


CHECK: Check = RowAccount()
