"""(j) Queries where the ledger names 100,000 partitions of trades, or another number that is given, beside 1,000.

The rows stand in the ledger; the files of the last month are hard links of one. Seconds are of this process's CPU, the
best of several; each connects anew. A month of one symbol, by the clock, stands beside DuckDB over a bare glob of the
same files, with a connection of its own and with one that is kept.
"""

import datetime as dt
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import update

from market_data.domain.partition import Partition
from market_data.domain.time import day_bounds
from market_data.ledger.schema import files
from market_data.warehouse.sql import connect
from market_data.warehouse.store import Warehouse
from market_data_tests.bench.measure import best_seconds
from market_data_tests.kept_search import keep_what_is_found
from market_data_tests.partition_view import trade
from market_data_tests.partitions import enter, put, row_of, warehouse_at

PARTITIONS, FEW = 100_000, 1_000
DAYS, MONTH, TRADES = 2_000, 31, 500
TODAY = dt.datetime.now(dt.UTC).date()
ONE_DAY = "SELECT sum(price) FROM trades WHERE symbol = 'SYM000' AND date = current_date"
ONE_MONTH = "SELECT sum(price) FROM {} WHERE symbol = 'SYM000' AND date > current_date - 30"
QUERIES = {
    "max(date)": "SELECT max(date) FROM trades",
    "DESCRIBE": "DESCRIBE trades",
    "the last week": "SELECT count(*), sum(price) FROM trades WHERE date >= current_date - 7",
    "LIKE, the last week": "SELECT sum(price) FROM trades WHERE symbol LIKE 'SYM00%' AND date >= current_date - 7",
    "ts_event, the last week": "SELECT sum(price) FROM trades WHERE ts_event >= current_date - 7",
    "counts by symbol": "SELECT symbol, count(*), min(date), max(date) FROM trades GROUP BY 1",
    "counts by day": "SELECT date, count(*) FROM trades GROUP BY 1",
    "count(*)": "SELECT count(*) FROM trades",
}
BOUND = 1.0
"""CPU seconds; of a million partitions three times as much."""
BOUND_OF_ONE_DAY, BOUND_OF_ONE_MONTH = 0.05, 0.025
"""Seconds: by how much one day of one symbol may cost more than among few, CPU; what a warm month may take, clock."""
_BLOCK, _ROUNDS = 20_000, 7


def run(partitions: int = PARTITIONS) -> Mapping[str, Any]:
    """Return CPU seconds of each query, beside its bound."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = _filled(Path(folder) / "few", FEW), _filled(Path(folder) / "many", partitions)
        factor = 1 if partitions <= PARTITIONS else 3
        figures: dict[str, Any] = {"partitions": partitions}
        for name, query in QUERIES.items():
            figures[name] = {"s": _best(_asked(many, query)), "bound": BOUND * factor}
        more = _best(_asked(many, ONE_DAY)) - _best(_asked(few, ONE_DAY))
        figures["one day of one symbol, more than of few"] = {"s": more, "bound": BOUND_OF_ONE_DAY * factor}
        return figures | {"one month of one symbol": _month(many)}


def _month(warehouse: Warehouse) -> Mapping[str, float]:
    glob = f"read_parquet('{warehouse.root}/_files/trades/feed=f/symbol=SYM000/*/*.parquet', hive_partitioning = true)"
    kept = duckdb.connect(":memory:")

    def bare() -> object:
        with duckdb.connect(":memory:") as connection:
            return connection.execute(ONE_MONTH.format(glob)).fetchall()

    return {
        "s": best_seconds(_asked(warehouse, ONE_MONTH.format("trades")), _ROUNDS),
        "bound": BOUND_OF_ONE_MONTH,
        "glob, s": best_seconds(bare, _ROUNDS),
        "glob, connection kept, s": best_seconds(lambda: kept.execute(ONE_MONTH.format(glob)).fetchall(), _ROUNDS),
    }


def _asked(warehouse: Warehouse, query: str) -> Callable[[], object]:
    def work() -> object:
        with connect(warehouse) as connection:
            return connection.sql(query).fetchall()

    return work


def _best(work: Callable[[], object]) -> float:
    work()
    return best_seconds(work, _ROUNDS, time.process_time)


def _filled(home: Path, partitions: int) -> Warehouse:
    warehouse = warehouse_at(home)
    days = [TODAY - dt.timedelta(days=n) for n in range(min(DAYS, partitions))]
    symbols = [f"SYM{n:03}" for n in range(max(1, partitions // DAYS))]
    start, first = day_bounds(TODAY)[0], Partition("f", TODAY, "SYM000")
    one = put(warehouse, "trades", first, [trade(n, ts_event=start + n * 1_000_000) for n in range(TRADES)])
    others = (each for symbol in symbols for day in days if (each := Partition("f", day, symbol)) != first)
    rows = map(_row, others)
    while block := list(islice(rows, _BLOCK)):
        enter(warehouse.ledger, block, keep=False)
    file = warehouse.ledger.file_of(one)
    assert file is not None
    with warehouse.ledger.writing() as ledger:
        keep_what_is_found(ledger, "f")
        ledger.execute(update(files).values(sha256=file.sha256, xxh3=file.xxh3, size_bytes=file.size_bytes))
    for each in _last_month(days, symbols, first):
        path = warehouse.root / _path(each)
        path.parent.mkdir(parents=True)
        path.hardlink_to(warehouse.root / one.path)
    return warehouse


def _last_month(days: list[dt.date], symbols: list[str], but: Partition) -> Iterator[Partition]:
    return (each for symbol in symbols for day in days[:MONTH] if (each := Partition("f", day, symbol)) != but)


def _path(partition: Partition) -> str:
    return f"_files/trades/feed=f/symbol={partition.symbol}/date={partition.date}/x.parquet"


def _row(partition: Partition) -> dict[str, Any]:
    start, end = day_bounds(partition.date)
    bounds = {"clock": "ts_event", "first_ns": start, "last_ns": end - 1}
    return row_of("trades", partition, rows=TRADES, path=_path(partition), committed_in=2, **bounds)


if __name__ == "__main__":
    from market_data_tests.bench.__main__ import flat

    for figure, value in flat(run(int(sys.argv[1]) if sys.argv[1:] else PARTITIONS)):
        print(f"{figure:>50}  {value:,.3f}" if isinstance(value, float) else f"{figure:>50}  {value:,}", flush=True)
