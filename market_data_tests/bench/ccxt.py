"""(e) A thousand pages of a thousand trades from an exchange on loopback: our own time against the exchange's limits.

The exchange is a process of its own. What the limits alone would take is reckoned from the table of limits that the
source keeps; while it is measured, none is kept, so that all that is left is our own work and the exchange's.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from market_data.sources.ccxt.exchange_facts import TRAITS
from market_data_tests.sources.ccxt_case import DAY, Patience, brought, decoded, request, source

TRADES = 1_000_000
EXCHANGE = "binance"


def run(trades: int = TRADES) -> dict[str, float | int]:
    """Seconds of a fetch and of decoding it, and what part they are of the limits' own time."""
    with tempfile.TemporaryDirectory() as folder, _served(trades) as address:
        workdir = Path(folder) / "workdir"
        workdir.mkdir()
        vendor = source(EXCHANGE, address, Path(folder) / "shared", Patience())
        began, cpu = time.perf_counter(), time.process_time()
        files = brought(vendor, workdir)
        fetched, fetched_cpu = time.perf_counter() - began, time.process_time() - cpu
        began = time.perf_counter()
        rows = sum(len(batch.frame) for batch in decoded(vendor, files))
        decoding = time.perf_counter() - began
        pages = vendor.notes(request(), files)["pages"]["trades.jsonl.zst"]["pages"]
    limit = pages / _pages_a_second()
    return {
        "pages": pages,
        "trades": rows,
        "landed bytes a trade": files[0].size_bytes / rows,
        "fetch, s": fetched,
        "fetch, CPU s": fetched_cpu,
        "decode, s": decoding,
        "the limits alone, s": limit,
        "fetch / limits": fetched / limit,
        "fetch, CPU / limits": fetched_cpu / limit,
        "fetch and decode / limits": (fetched + decoding) / limit,
    }


def _pages_a_second() -> float:
    limits = TRAITS[EXCHANGE]
    return min(rate.weight / rate.seconds for rate in limits.rates) / limits.weights["/v3/aggTrades"]


@contextmanager
def _served(trades: int) -> Generator[str]:
    command = [sys.executable, "-m", "market_data_tests.vendors.ccxt_exchange", DAY.isoformat(), str(trades), "1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as exchange:
        assert exchange.stdout is not None
        yield json.loads(exchange.stdout.readline())
        exchange.communicate()
