"""A month of some symbols in 30 daily files each against one month file each: how long a query takes, bytes a row.

`python -m market_data_tests.bench.compaction` prints the figures. What DuckDB takes over a bare glob of the same files
stands beside them. The rounds alternate, so that a busy machine burdens all of them alike.
"""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from market_data.domain.partition import Partition
from market_data.domain.time import NS_PER_MINUTE, day_start
from market_data.ledger.ledger import Ledger
from market_data.warehouse.compaction import Limits, compact, months
from market_data.warehouse.sql import connect
from market_data.warehouse.store import Warehouse
from market_data_tests.bench.measure import best_seconds
from market_data_tests.partition_view import bar
from market_data_tests.partitions import days, put

DAYS = days("2024-01-01", 30)
SYMBOLS = ("A", "B", "C", "D", "E")
BARS = 240
ROUNDS = 7
QUERY = "SELECT symbol, max(high), min(low), sum(volume) FROM {} GROUP BY ALL"


def run() -> Mapping[str, Any]:
    """Return seconds by day and by month, their ratio, and bytes a row of both."""
    with tempfile.TemporaryDirectory() as folder:
        daily, monthly = (_warehouse(Path(folder) / name) for name in ("daily", "monthly"))
        for month in months(monthly.ledger, Limits(DAYS[-1].replace(month=6))):
            compact(monthly, month)
        globs = [_glob(daily, "date=*/*.parquet"), _glob(monthly, "month=*/*.parquet")]
        works = {"days": _query(daily), "month": _query(monthly), "glob days": globs[0], "glob month": globs[1]}
        rounds = [{name: best_seconds(work, 1) for name, work in works.items()} for _ in range(ROUNDS)]
        best = {name: min(each[name] for each in rounds) for name in works}
        rows = BARS * len(DAYS) * len(SYMBOLS)
        sizes = {name: _bytes(each) / rows for name, each in (("days", daily), ("month", monthly))}
        return {
            "rows": rows,
            "seconds": best,
            "days to month": best["days"] / best["month"],
            "days to month, planned before": _read_seconds(daily) / _read_seconds(monthly),
            "glob days to glob month": best["glob days"] / best["glob month"],
            "month to glob month": best["month"] / best["glob month"],
            "bytes a row": sizes,
        }


def _warehouse(home: Path) -> Warehouse:
    home.mkdir()
    warehouse = Warehouse(home / "warehouse", Ledger(f"sqlite:///{home / 'ledger.db'}"))
    for n, day in enumerate(DAYS):
        start = day_start(day)
        for symbol in SYMBOLS:
            rows = [_bar(start, n, minute) for minute in range(BARS)]
            put(warehouse, "candles", Partition("bench", day, symbol), rows)
    return warehouse


def _bar(start: int, day: int, minute: int) -> dict[str, Any]:
    middle = 10_000 + (day * 7_919 + minute * 104_729) % 997
    prices = {"open": middle, "high": middle + minute % 9, "low": middle - minute % 7, "close": middle + minute % 5}
    sums = {"volume": middle * minute % 8_191, "quote_volume": middle * minute, "trade_count": minute % 101}
    exact = {name: str(value) for name, value in {**prices, **sums}.items() if name != "trade_count"}
    return bar(minute, ts_open=start + minute * NS_PER_MINUTE, trade_count=sums["trade_count"], **exact)


def _query(warehouse: Warehouse) -> Callable[[], object]:
    def work() -> object:
        with connect(warehouse) as connection:
            return connection.execute(QUERY.format("candles")).fetchall()

    return work


def _read_seconds(warehouse: Warehouse) -> float:
    """Return what a query takes that was planned before: DuckDB alone."""
    with connect(warehouse) as connection:
        relation = connection.sql(QUERY.format("candles"))
        return best_seconds(relation.fetchall, ROUNDS)


def _glob(warehouse: Warehouse, names: str) -> Callable[[], object]:
    files = f"read_parquet('{warehouse.root}/_files/candles/feed=*/symbol=*/{names}', hive_partitioning = true)"

    def work() -> object:
        with duckdb.connect(":memory:") as connection:
            return connection.execute(QUERY.format(files)).fetchall()

    return work


def _bytes(warehouse: Warehouse) -> int:
    return sum({file.path: file.size_bytes for file in warehouse.ledger.filed()}.values())


if __name__ == "__main__":
    from market_data_tests.bench.__main__ import main

    main(["compaction"])
