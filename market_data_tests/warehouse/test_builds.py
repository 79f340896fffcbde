"""How revisions were made: how long it took, and from what they were made again with the same bytes."""

import dataclasses
import datetime as dt
import time
from typing import Any

from sqlalchemy import select

from market_data.domain.account import Account
from market_data.domain.partition import Partition
from market_data.domain.tables.candles import TABLE
from market_data.ledger.revision import Revision
from market_data.ledger.schema import builds
from market_data.warehouse.store import Warehouse
from market_data_tests.partition_view import bar, frame
from market_data_tests.partitions import ORIGIN

PARTITION = Partition("sim", dt.date(2024, 1, 15), "AAA-USD")


def make(warehouse: Warehouse, inputs: list[dict[str, Any]], bars: int = 1, began: float | None = None) -> Revision:
    origin = dataclasses.replace(ORIGIN, inputs=inputs, began=began)
    with warehouse.stage("candles", PARTITION, TABLE.schema, "ts_open") as staged:
        staged.write(frame("candles", [bar(n) for n in range(bars)]))
        return staged.commit(Account(bars, bars), origin)[0]


def test_the_same_bytes_from_other_inputs_keep_their_revision_and_are_made_from_those(warehouse: Warehouse) -> None:
    first = make(warehouse, [{"sha256": "a"}])
    assert warehouse.ledger.made_from(first) == [{"sha256": "a"}]
    for last in ("b", "c"):
        again = make(warehouse, [{"sha256": last}])
        assert (again.id, again.inputs) == (first.id, [{"sha256": "a"}])
        assert warehouse.ledger.made_from(again) == [{"sha256": last}]


def test_the_same_bytes_from_the_same_inputs_note_nothing(warehouse: Warehouse) -> None:
    for _ in range(2):
        make(warehouse, [{"sha256": "a"}])
    assert warehouse.ledger.all_rows(select(builds)) == []


def test_a_new_revision_knows_how_long_it_took(warehouse: Warehouse) -> None:
    revision = make(warehouse, [{"sha256": "a"}], began=time.monotonic() - 7)
    make(warehouse, [{"sha256": "b"}], began=time.monotonic() - 1_000)
    (row,) = warehouse.ledger.all_rows(select(builds))
    assert (row.revision_id, row.inputs) == (revision.id, [{"sha256": "b"}])
    assert 7 <= row.seconds < 1_000
