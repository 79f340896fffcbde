"""(d) A day of trades from a landed DBN file to the warehouse, against `DBNStore.to_parquet` of the same file.

Ours is the whole way: decoding, exact decimals, contract, identity, order, account, hashes, fsync, ledger. What it is
measured against checks nothing. Each runs in a process of its own, so that its peak memory is its own, and takes a
small file first, so that imports are nobody's work.

`python -m market_data_tests.bench.databento 10000000` takes another number of trades.
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

from market_data.pipeline.fetch import land
from market_data.pipeline.ingest import ingest
from market_data.pipeline.workspace import opened
from market_data_tests.bench.measure import peak_mb
from market_data_tests.feeds import settings_of
from market_data_tests.vendors import dbn_files as files

ROWS = 2_000_000
SMALL_ROWS = 1_000
ROUNDS = 3
DAY = dt.date(2024, 1, 15)
STANZA = {
    "source": "databento",
    "symbols": {"ES": files.SYMBOL},
    "tables": ["trades"],
    "start": DAY.isoformat(),
    "options": {"dataset": "GLBX.MDP3", "schemas": ["trades"]},
}
Figures = tuple[float, float, int]
"""Seconds, processor seconds, and bytes on disk."""


def run(rows: int = ROWS) -> dict[str, float | int]:
    """Best seconds and processor seconds of each, their ratios, sizes on disk, and peak memory."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        files.write_trades(folder / "small.dbn.zst", DAY, SMALL_ROWS)
        path = files.write_trades(folder / "trades.dbn.zst", DAY, rows)
        rounds = [{name: _apart(name, folder) for name in _WORKS} for _ in range(ROUNDS)]
        size = path.stat().st_size
    best = {name: [min(each) for each in zip(*(r[name] for r in rounds), strict=True)] for name in _WORKS}
    figures: dict[str, float | int] = {"rows": rows, "bytes a trade, vendor's file": size / rows}
    for name, (seconds, cpu, on_disk, peak) in best.items():
        figures |= {f"{name}, s": seconds, f"{name}, CPU s": cpu}
        figures |= {f"{name}, bytes a trade": on_disk / rows, f"{name}, peak MB": peak}
    ours, theirs = best["landing to warehouse"], best["to_parquet"]
    names = ("ratio of seconds", "ratio of CPU seconds", "ratio of sizes")
    return figures | {name: theirs[n] / ours[n] for n, name in enumerate(names)}


def _ours(folder: Path, file: Path) -> Figures:
    home = folder / f"home-{file.name}"
    home.mkdir()
    settings = settings_of(home, {"bench": STANZA})
    feed = settings.feeds["bench"]
    partition = feed.partition("ES", DAY)
    with opened(settings) as workspace:
        land(workspace, feed, feed.request("trades", partition), [file])
        seconds, cpu = _timed(lambda: ingest(workspace, feed, "trades", partition))
        revision = workspace.warehouse.current("trades", partition)
    if revision is None or not revision.account.adds_up or revision.account.rejected:
        raise SystemExit(f"the bench's own data did not pass: {revision}")
    return seconds, cpu, next(home.rglob("*.parquet")).stat().st_size


def _theirs(folder: Path, file: Path) -> Figures:
    from databento import DBNStore

    target = folder / "client.parquet"
    seconds, cpu = _timed(lambda: DBNStore.from_file(file).to_parquet(target, mode="w"))
    return seconds, cpu, target.stat().st_size


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - cpu


_WORKS: dict[str, Callable[[Path, Path], Figures]] = {"landing to warehouse": _ours, "to_parquet": _theirs}


def _apart(name: str, folder: Path) -> list[float]:
    """Best of nothing: one go, in a process and a folder of its own."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        command = [sys.executable, "-m", "market_data_tests.bench.databento", name, str(folder), own]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def _measure(name: str, folder: Path, own: Path) -> list[float]:
    import_module("databento")  # it turns on warnings, of which its own pandas calls give thousands
    warnings.simplefilter("ignore")
    _WORKS[name](own, folder / "small.dbn.zst")
    return [*_WORKS[name](own, folder / "trades.dbn.zst"), peak_mb()]


if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(json.dumps(_measure(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
    else:
        for figure, value in run(*map(int, sys.argv[1:])).items():
            print(f"{figure:>44}  {value:,.3f}")
