"""What every check owes: sound findings on any partition, the same ones each time, and crashes that are raised."""

import json
from collections.abc import Callable, Sequence
from typing import get_args

import polars as pl
import pytest

from market_data.domain.account import Account
from market_data.domain.checks import check, check_names
from market_data.domain.checks.cross_vendor import Limits as CrossVendorLimits
from market_data.domain.errors import WarehouseDamaged
from market_data.domain.ports.check import Finding, PartitionView, RevisionFacts, Severity
from market_data.domain.tables import table_names
from market_data_tests.partition_view import (
    IN_TIME,
    PARTITION,
    START,
    TABLES,
    MemoryView,
    bar,
    clean_rows,
    flat_bar,
    frame,
    nothing,
    quote,
    statistic,
    trade,
)


def not_materialized() -> MemoryView:
    return MemoryView({})


def without_rows() -> MemoryView:
    return MemoryView({name: nothing(name) for name in TABLES})


def without_a_session() -> MemoryView:
    return MemoryView({}, has_session=False)


def clean() -> MemoryView:
    return MemoryView(clean_rows())


def damaged() -> MemoryView:
    """Something wrong for every check: add to it what a new check looks for."""
    defects = {
        "trades": frame("trades", [trade(0), trade(1), trade(1), trade(5)]),
        "candles": frame("candles", [bar(0, low="9"), bar(1, volume="-1"), bar(1), bar(2, trade_count=0)]),
        "vendor_candles": frame("vendor_candles", [bar(0, close="1.1"), bar(1), flat_bar(2), bar(3)]),
        "instruments": nothing("instruments"),  # and no quotes at all
    }
    accounts = {"trades": Account(records=9, accepted=4, rejected=1, expected=12)}
    return MemoryView(defects, accounts=accounts)


def damaged_ticks() -> MemoryView:
    """The same for checks that need more rows, all tables, another day or another feed."""
    ticks = [trade(number, ts_recv=START + number * 1_000_000_000 + 5) for number in range(40)]
    ticks[20] |= {"price": "9", "size": "0", "ts_recv": 0}
    rows = {
        **clean_rows(),
        "trades": frame("trades", ticks),
        "quotes": frame("quotes", [quote(0), quote(1, bid_price="2")]),
        "statistics": frame("statistics", [statistic(0, "trading_session_high_price", 3_600, price="1")]),
        "candles": frame("candles", [bar(0), bar(0, timeframe="1h", close="1.1")]),
    }
    same = MemoryView({"candles": frame("candles", [bar(0, close="2.4")])})
    return MemoryView(
        rows,
        limits={("cross_vendor", "candles"): CrossVendorLimits(feed="b")},
        others={("b", PARTITION.symbol): same},
        before={"trades": RevisionFacts(1, Account(1, 1), IN_TIME, {}, "other columns")},
        notes={"trades": {"condition": "degraded", "remarks": ["the vendor calls the day degraded"]}},
    )


class Unreadable(MemoryView):
    """A partition whose ledger and files disagree."""

    def facts(self, table: str) -> RevisionFacts | None:
        raise WarehouseDamaged(f"the ledger names a file of {table}, which is not there")

    def other(self, feed: str, symbol: str) -> PartitionView | None:
        return self

    def scan(self, table: str) -> pl.LazyFrame:
        raise WarehouseDamaged(f"the ledger names a file of {table}, which is not there")


PARTITIONS = [not_materialized, without_rows, without_a_session, clean, damaged, damaged_ticks]
every_check = pytest.mark.parametrize("name", check_names())
every_partition = pytest.mark.parametrize("partition", PARTITIONS)


def as_text(findings: Sequence[Finding]) -> list[str]:
    """Findings as they are kept: NaN and infinity are no JSON."""
    return [
        json.dumps([f.table, f.check, f.passed, f.severity, f.measured, f.threshold, dict(f.detail)], allow_nan=False)
        for f in findings
    ]


def test_checks_are_found_by_scanning():
    assert {"dedup", "freshness", "ohlc", "row_account", "vendor_candles"} <= set(check_names())


@every_check
def test_a_check_names_tables_that_exist(name: str):
    assert check(name).tables
    assert set(check(name).tables) <= set(table_names())


@every_check
@every_partition
def test_findings_name_their_check_and_a_table_of_the_feed(name: str, partition: Callable[[], MemoryView]):
    view = partition()
    findings = check(name).run(view)
    assert findings
    for finding in findings:
        assert finding.check == name
        assert finding.table in view.tables
        assert finding.severity in get_args(Severity)
        assert finding.passed or finding.severity != "info"


@every_check
@every_partition
def test_findings_are_json_and_the_same_each_time(name: str, partition: Callable[[], MemoryView]):
    first, again = as_text(check(name).run(partition())), as_text(check(name).run(partition()))
    assert first == again


@every_check
def test_a_feed_with_a_single_table_of_a_check_is_enough_for_it(name: str):
    for table in check(name).tables:
        view = MemoryView(clean_rows(), tables=(table,))
        assert {finding.table for finding in check(name).run(view)} <= {table}


@every_check
def test_a_clean_partition_passes(name: str):
    assert [finding for finding in check(name).run(clean()) if not finding.passed] == []


@every_check
def test_a_planted_defect_is_found(name: str):
    views = (damaged(), damaged_ticks())
    assert not all(finding.passed for view in views for finding in check(name).run(view))


@every_check
def test_a_crash_is_raised_and_never_a_failed_finding(name: str):
    with pytest.raises(WarehouseDamaged):
        check(name).run(Unreadable(clean_rows(), limits={("cross_vendor", "candles"): CrossVendorLimits(feed="b")}))
