"""Keys that are unique, however they came."""

from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest

from market_data.domain.account import Account
from market_data.domain.check_support import scan as _scan
from market_data.domain.checks.dedup import CHECK
from market_data.domain.ports.check import Finding
from market_data.domain.ports.source import Delivery
from market_data.domain.tables import table
from market_data_tests.partition_view import MemoryView, bar, frame, nothing, quote, trade


def judged(name: str, rows: Sequence[dict[str, Any]] | pl.DataFrame, **more: Any) -> Finding:
    data = rows if isinstance(rows, pl.DataFrame) else frame(name, rows)
    (finding,) = CHECK.run(MemoryView({name: data}, **more))
    return finding


def trades_by(*identity: str, running_id: bool = False) -> dict[str, Delivery]:
    return {"trades": Delivery(table("trades").schema, "ts_event", identity, running_id)}


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 1, 0, 2)])
@pytest.mark.parametrize("running_id", [True, False])
def test_unique_ids_pass_in_whatever_order_they_stand(order: tuple[int, ...], running_id: bool):
    rows = [trade(number) for number in order]
    finding = judged("trades", rows, deliveries=trades_by("trade_id", running_id=running_id))
    assert (finding.passed, finding.measured, finding.severity) == (True, 0.0, "info")
    assert finding.detail["key"] == ["trade_id"]


@pytest.mark.parametrize("running_id", [True, False])
@pytest.mark.parametrize("at", [1, 3])
def test_an_id_that_comes_again_is_found_and_shown(running_id: bool, at: int):
    rows = [trade(number) for number in range(4)]
    rows.insert(at, trade(9, trade_id="100"))
    finding = judged("trades", rows, deliveries=trades_by("trade_id", running_id=running_id))
    assert (finding.passed, finding.measured, finding.threshold, finding.severity) == (False, 1.0, 0.0, "error")
    assert finding.detail["first"] == [{"trade_id": "100", "rows_with_it": 2}]


def test_ids_that_are_no_whole_numbers_are_never_taken_for_proved():
    rows = [trade(0, trade_id="a"), trade(1, trade_id="b"), trade(2, trade_id="a")]
    assert judged("trades", rows, deliveries=trades_by("trade_id", running_id=True)).measured == 1.0


def test_ids_written_differently_are_different_ids():
    rows = [trade(0, trade_id="7"), trade(1, trade_id="007")]
    assert judged("trades", rows, deliveries=trades_by("trade_id", running_id=True)).passed


def test_identical_trades_without_ids_are_told_and_never_blamed():
    rows = [trade(number, trade_id=None, ts_event=1) for number in range(4)]
    rows.append(trade(4, trade_id=None, ts_event=1, side=None))
    finding = judged("trades", rows, deliveries=trades_by())
    assert finding.passed
    assert finding.detail["key"] == ["ordinal"]
    assert finding.detail["identical_rows"] == 3


def test_a_vendor_with_ids_says_nothing_of_identical_rows():
    assert "identical_rows" not in judged("trades", [trade(0), trade(1)]).detail


def test_a_place_that_comes_again_is_found():
    finding = judged("quotes", [quote(0), quote(1), quote(1), quote(2), quote(1)])
    assert finding.measured == 2.0
    assert finding.detail["first"] == [{"ordinal": 1, "rows_with_it": 3}]


def test_a_key_of_several_columns_is_one_key_and_null_equals_null():
    rows = [bar(0), bar(1), bar(0, timeframe="5m"), bar(0, publisher_id=1), bar(0)]
    finding = judged("candles", rows)
    assert finding.measured == 1.0
    assert finding.detail["first"][0]["ts_open"] == "2024-05-08T00:00:00.000000000Z"
    assert finding.detail["first"][0]["rows_with_it"] == 2


def test_bars_of_other_kinds_may_open_at_the_same_instant():
    rows = [bar(0), bar(0, kind="tick", timeframe="100t"), bar(0, kind="tick", timeframe="100t")]
    finding = judged("candles", rows)
    assert finding.passed
    assert finding.detail["note"] == "bars of other kinds may open at the same instant"


def test_a_vendors_bars_are_judged_by_their_own_identity():
    by_time = {"vendor_candles": Delivery(table("vendor_candles").schema, "ts_open", ("timeframe", "ts_open"))}
    finding = judged("vendor_candles", [bar(0), bar(0, publisher_id=1)], deliveries=by_time)
    assert finding.measured == 1.0
    assert judged("vendor_candles", [bar(0), bar(0, publisher_id=1)], deliveries={}).passed


def test_what_overlapped_and_the_span_of_ids_are_accounted_for():
    account = Account(records=7, accepted=3, deduplicated=4, first_id=100, last_id=103, id_holes=1)
    detail = judged("trades", [trade(0), trade(1), trade(3)], accounts={"trades": account}).detail
    assert [detail[name] for name in ("deduplicated", "first_id", "last_id", "id_holes")] == [4, 100, 103, 1]


@pytest.mark.parametrize("name", CHECK.tables)
def test_a_table_without_rows_is_unique(name: str):
    assert judged(name, nothing(name)).passed


@pytest.mark.parametrize("ids", ["ascending", "shuffled", "repeated"])
def test_a_large_partition_is_judged_as_a_small_one(ids: str):
    rows = _scan._STREAMED_FROM + 1000
    numbers = pl.int_range(rows, eager=True)
    if ids == "shuffled":
        numbers = numbers.shuffle(seed=1)
    elif ids == "repeated":
        numbers = numbers.set(numbers == rows - 1, 17)
    types = nothing("trades").schema
    data = pl.select(ts_event=numbers, ordinal=numbers, trade_id=numbers.cast(pl.String), price=1, size=1)
    data = data.with_columns(pl.lit(None).alias(name) for name in types if name not in data.columns)
    finding = judged("trades", data.select(list(types)).cast(pl.Schema(types)))
    assert finding.measured == (1.0 if ids == "repeated" else 0.0)
    if ids == "repeated":
        assert finding.detail["first"] == [{"trade_id": "17", "rows_with_it": 2}]
