"""(d) A day of trades from a DBN file to typed batches, against the vendor's client making frames or Parquet of it.

Each runs in a process of its own, so that its peak memory is its own. What is measured against checks nothing: no
contract, no exact decimals, no ordinals.
"""

import datetime as dt
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from market_data.domain.partition import Partition
from market_data.domain.ports.source import LandedFile, Request
from market_data.sources.databento import decode
from market_data_tests.bench.measure import peak_mb
from market_data_tests.vendors import dbn_files as files

ROWS = 2_000_000
ROUNDS = 3
DAY = dt.date(2024, 1, 15)


def run(rows: int = ROWS) -> dict[str, float | int]:
    """Best seconds and processor seconds of each, ratios of the latter, and peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = files.write_trades(Path(folder) / "trades.dbn.zst", DAY, rows)
        rounds = [{name: _apart(name, path) for name in _WORKS} for _ in range(ROUNDS)]
        size = path.stat().st_size
    best = {name: [min(each) for each in zip(*(r[name] for r in rounds), strict=True)] for name in _WORKS}
    figures: dict[str, float | int] = {"rows": rows, "bytes a trade in the file": size / rows}
    for name, (seconds, cpu, peak) in best.items():
        figures |= {f"{name}, s": seconds, f"{name}, CPU s": cpu, f"{name}, peak MB": peak}
        if name != "decode":
            figures[f"{name} / decode, CPU"] = cpu / best["decode"][1]
    return figures


def _decode(path: Path) -> int:
    request = Request("trades", Partition("bench", DAY, "ES"), files.SYMBOL)
    landed = LandedFile(path, path.name, "bench", "", path.stat().st_size)
    return sum(len(batch.frame) for batch in decode.batches(request, landed))


def _to_df(path: Path) -> int:
    from databento import DBNStore

    return len(DBNStore.from_file(path).to_df())


def _to_parquet(path: Path) -> None:
    from databento import DBNStore

    DBNStore.from_file(path).to_parquet(path.with_name("client.parquet"), mode="w")


_WORKS: dict[str, Callable[[Path], object]] = {"decode": _decode, "to_df": _to_df, "to_parquet": _to_parquet}


def _apart(name: str, path: Path) -> list[float]:
    command = [sys.executable, "-m", "market_data_tests.bench.databento", name, str(path)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def _measure(name: str, path: Path) -> list[float]:
    import_module("databento")  # no one's work, and it turns on warnings
    warnings.simplefilter("ignore")
    began, cpu = time.perf_counter(), time.process_time()
    _WORKS[name](path)
    return [time.perf_counter() - began, time.process_time() - cpu, peak_mb()]


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1], Path(sys.argv[2]))))
