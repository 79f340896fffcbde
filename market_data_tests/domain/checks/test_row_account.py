"""Accounts that add up, and each way in which one does not."""

from typing import Any

import pytest

from market_data.domain.account import Account
from market_data.domain.checks.row_account import CHECK
from market_data.domain.ports.check import Finding
from market_data_tests.partition_view import FETCHED, MemoryView, clean_rows, nothing


def of_trades(account: Account, quarantined: int = 0) -> list[Finding]:
    """What is said of six trades with this account."""
    view = MemoryView(clean_rows(), accounts={"trades": account}, quarantined={"trades": quarantined})
    return [finding for finding in CHECK.run(view) if finding.table == "trades"]


def test_every_fetched_table_has_its_account_and_derived_ones_have_none():
    findings = CHECK.run(MemoryView(clean_rows()))
    assert sorted(finding.table for finding in findings) == sorted(FETCHED)
    assert all(finding.passed and finding.severity == "info" for finding in findings)


def test_repeats_and_a_vendors_count_that_is_met_are_fine():
    (finding,) = of_trades(Account(records=8, accepted=6, deduplicated=2, expected=8))
    assert (finding.passed, finding.severity, finding.measured) == (True, "info", 0.0)
    assert finding.detail["rows"] == 6


def test_records_in_quarantine_are_a_warning_of_an_account_that_adds_up():
    (finding,) = of_trades(Account(records=8, accepted=6, rejected=2), quarantined=2)
    assert (finding.passed, finding.severity, finding.measured) == (True, "warning", 2.0)
    assert finding.detail["rejected_share"] == 0.25


def test_missing_ids_are_a_warning():
    (finding,) = of_trades(Account(records=6, accepted=6, first_id=1, last_id=8, id_holes=2))
    assert (finding.passed, finding.severity) == (True, "warning")
    assert finding.detail["id_holes"] == 2


@pytest.mark.parametrize(
    ("account", "quarantined", "measured", "mismatch"),
    [
        ({"records": 7, "accepted": 6}, 0, 1.0, "7 records came, but accepted 6 + deduplicated 0 + rejected 0 = 6"),
        ({"records": 6, "accepted": 6, "expected": 9}, 0, 3.0, "the vendor says 9 records, 6 came"),
        ({"records": 5, "accepted": 5}, 0, 1.0, "5 records were accepted, the ledger has 6 rows"),
        ({"records": 7, "accepted": 6, "rejected": 1}, 0, 1.0, "1 records were rejected, 0 stand in quarantine"),
        ({"records": 6, "accepted": 6}, 3, 3.0, "0 records were rejected, 3 stand in quarantine"),
    ],
)
def test_a_mismatch_fails_in_words(account: dict[str, Any], quarantined: int, measured: float, mismatch: str):
    (finding,) = of_trades(Account(**account), quarantined)
    assert (finding.passed, finding.severity, finding.measured) == (False, "error", measured)
    assert finding.detail["mismatch"] == mismatch


def test_a_file_with_other_rows_than_the_ledger_says_fails():
    class ShortFile(MemoryView):
        def scan(self, table: str):
            return super().scan(table).head(4)

    findings = CHECK.run(ShortFile({"trades": clean_rows()["trades"]}))
    assert [finding.detail["mismatch"] for finding in findings] == ["the ledger has 6 rows, the file 4"]


def test_each_mismatch_is_a_finding_of_its_own():
    assert len(of_trades(Account(records=9, accepted=5, expected=10), quarantined=1)) == 4


def test_a_day_without_records_adds_up():
    (finding,) = CHECK.run(MemoryView({"trades": nothing("trades")}))
    assert finding.passed
    assert finding.detail["rejected_share"] == 0.0
