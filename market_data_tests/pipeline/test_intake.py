"""Contract, identity and order: whatever way the records come, every one is accounted for and the table is the same."""

import datetime as dt
import itertools
import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from market_data.domain.account import Account
from market_data.domain.contract import polars_schema
from market_data.domain.partition import Partition
from market_data.domain.ports.source import Batch, Delivery, Fault
from market_data.domain.tables.trades import Trades
from market_data.domain.time import NS_PER_SECOND, day_start
from market_data.ledger.ledger import Ledger
from market_data.pipeline.intake import Intake
from market_data.warehouse.store import Warehouse

DAY = dt.date(2024, 1, 15)
BY_ID = Delivery(Trades, clock="ts_event", identity=("trade_id",), running_id=True)
BY_NAME = Delivery(Trades, clock="ts_event", identity=("trade_id",))
BY_PLACE = Delivery(Trades, clock="ts_event")
COLUMNS = {name: kind for name, kind in polars_schema(Trades).items() if name != "ordinal"}
_numbers = itertools.count()


def record(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "ts_event": day_start(DAY) + number // 3 * NS_PER_SECOND,  # several trades share an instant
        "ts_recv": None,
        "trade_id": str(100 + number),
        "price": Decimal(100 + number),
        "size": Decimal(1),
        "side": "buy",
    } | changes


def batches(pages: Sequence[Sequence[dict[str, Any]]], faults: Sequence[Fault] = ()) -> Iterator[Batch]:
    first = 0
    for page in pages:
        rows = list(page)
        yield Batch("page", first, pl.DataFrame(rows, schema=COLUMNS), rows.__getitem__, faults)
        first += len(rows)


class Result:
    """A table as it came out, with its account and what was set aside."""

    def __init__(self, frame: pl.DataFrame, account: Account, rejected: list[dict[str, Any]]) -> None:
        self.frame = frame
        self.account = account
        self.rejected = rejected


def take(
    folder: Path, pages: Sequence[Sequence[dict[str, Any]]], delivery: Delivery = BY_ID, faults: Sequence[Fault] = ()
) -> Result:
    ledger = Ledger("sqlite://")  # what is staged is in no ledger yet
    warehouse = Warehouse(folder / str(next(_numbers)), ledger)
    partition = Partition("feed", DAY, "AAA")
    with (
        warehouse.stage("trades", partition, Trades, "ts_event") as staged,
        warehouse.stage("trades", partition, Trades, "ts_event") as ordered,
    ):
        intake = Intake("trades", partition, delivery, staged)
        for batch in batches(pages, faults):
            intake.take(batch)
        whole, account = intake.finish(batches(pages, faults), into=ordered)
        whole.writer.close()
        result = Result(pl.read_parquet(whole.path), account, intake.rejected)
    warehouse.close()
    return result


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(cuts=st.lists(st.tuples(st.integers(0, 29), st.integers(1, 12)), max_size=8), shuffled=st.randoms())
def test_replaying_any_overlap_of_pages_in_any_order_gives_the_same_table(
    tmp_path: Path, cuts: list[tuple[int, int]], shuffled: Any
) -> None:
    truth = [record(number) for number in range(30)]
    pages = [truth[start : start + length] for start, length in cuts] + [truth[:17], truth[17:]]
    shuffled.shuffle(pages)
    result = take(tmp_path, pages)
    assert result.frame.equals(take(tmp_path, [truth]).frame)
    records = sum(map(len, pages))
    expected = Account(records, 30, deduplicated=records - 30, first_id=100, last_id=129, id_holes=0)
    assert result.account == expected


def test_a_stream_in_order_is_written_as_it_comes(tmp_path: Path) -> None:
    result = take(tmp_path, [[record(0), record(1)], [record(2)]])
    assert result.frame["ordinal"].to_list() == [0, 1, 2]
    assert result.account == Account(3, 3, first_id=100, last_id=102, id_holes=0)


def test_a_repeat_with_other_values_goes_to_quarantine_and_the_first_stays(tmp_path: Path) -> None:
    bad = record(5, price=Decimal(-1))
    pages = [[record(0), bad, record(1), record(2)], [record(1, price=Decimal(7)), record(3)]]
    result = take(tmp_path, pages)
    assert result.frame["price"].to_list() == [100, 101, 102, 103]
    assert result.account.adds_up
    assert [(row["rule"], row["record_number"]) for row in result.rejected] == [
        ("price_is_positive", 1),
        ("identity_is_unique", 4),
    ]
    assert json.loads(result.rejected[1]["original"])["price"] == "7"
    assert "trade_id 101 came before with other values" in result.rejected[1]["reason"]


def test_records_without_an_id_are_never_dropped_however_alike(tmp_path: Path) -> None:
    same = record(0, trade_id=None)
    result = take(tmp_path, [[same, same], [same]], BY_PLACE)
    assert len(result.frame) == 3
    assert result.frame["ordinal"].to_list() == [0, 1, 2]


def test_records_without_an_id_are_sorted_by_clock_and_keep_their_place(tmp_path: Path) -> None:
    rows = [record(number, trade_id=None) for number in (6, 0, 3)]
    result = take(tmp_path, [rows], BY_PLACE)
    assert result.frame["ordinal"].to_list() == [1, 2, 0]
    assert result.frame["ts_event"].is_sorted()


def test_ids_that_are_no_numbers_are_unique_too(tmp_path: Path) -> None:
    rows = [record(number, trade_id=name) for number, name in enumerate(["zz", "aa", "mm", "aa"])]
    rows[3] = rows[1]
    result = take(tmp_path, [rows], BY_NAME)
    assert result.frame["trade_id"].to_list() == ["zz", "aa", "mm"]
    assert result.account == Account(4, 3, deduplicated=1)


@pytest.mark.parametrize(
    ("changes", "rule", "reason"),
    [
        ({"price": None}, "price|nullability", "price is missing"),
        ({"price": Decimal(0)}, "price_is_positive", "not so: price is positive"),
        ({"size": Decimal(-1)}, "size_is_not_negative", "not so: size is not negative"),
        ({"side": "sideways"}, "side_is_buy_or_sell", "not so: side is buy or sell"),
        ({"ts_event": day_start(DAY) - 1}, "inside_the_partition_day", "not so: inside the partition day"),
        ({"ts_event": day_start(DAY + dt.timedelta(1))}, "inside_the_partition_day", "inside the partition day"),
        ({"ts_event": None}, "ts_event|nullability", "ts_event is missing"),
    ],
)
def test_a_record_that_breaks_the_contract_is_set_aside_with_rule_reason_place_and_words(
    tmp_path: Path, changes: dict[str, Any], rule: str, reason: str
) -> None:
    result = take(tmp_path, [[record(0), record(1, **changes), record(2)]])
    assert len(result.frame) == 2
    assert result.account == Account(3, 2, rejected=1, first_id=100, last_id=102, id_holes=1)
    (row,) = result.rejected
    assert (row["rule"], row["record_number"], row["landed_file"]) == (rule, 1, "page")
    assert reason in row["reason"]
    assert json.loads(row["original"])["trade_id"] == "101"


def test_a_record_that_cannot_be_read_is_set_aside_though_its_nulls_would_be_allowed(tmp_path: Path) -> None:
    fault = Fault(1, "side_is_readable", "side is not readable: '??'")
    result = take(tmp_path, [[record(0), record(1, side=None), record(2)]], faults=[fault])
    assert result.account == Account(3, 2, rejected=1, first_id=100, last_id=102, id_holes=1)
    assert result.rejected[0]["rule"] == "side_is_readable"


def test_a_day_without_a_record_is_a_table_without_a_row(tmp_path: Path) -> None:
    result = take(tmp_path, [])
    assert result.account == Account(0, 0)
    assert result.frame.is_empty()
