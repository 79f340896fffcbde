"""How a backfill treats Databento: all processes keep its limits together, and leave it alone while it is down."""

import json
import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest

from market_data.domain.errors import MarketDataError, VendorUnavailable
from market_data.vendor_access.circuit_breaker import Resting
from market_data_tests.fetching import at, left
from market_data_tests.sources.databento_asker import RATE
from market_data_tests.sources.databento_case import FACTS, MEANT, TRADES, key, market, request, source
from market_data_tests.vendors.databento_api import COUNT, KEY, DatabentoApi, databento_api, status
from market_data_tests.vendors.faults import Fault, reset

__all__ = ["databento_api", "key", "market"]

RANGE = "metadata.get_dataset_range"


def test_two_processes_keep_a_limit_of_the_vendor_together(market: DatabentoApi, tmp_path: Path) -> None:
    module = "market_data_tests.sources.databento_asker"
    arguments = [sys.executable, "-m", module, market.gateway, str(market.ca_file), str(tmp_path / "shared"), "8"]
    askers = [subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for asker in askers:
        assert asker.stdout is not None
        assert asker.stdout.readline() == "ready\n"
    began = time.monotonic()
    for asker in askers:
        assert asker.stdin is not None
        asker.stdin.write("go\n")
        asker.stdin.flush()
    assert [asker.wait(60) for asker in askers] == [0, 0]
    for asker in askers:
        asker.communicate()
    arrived = sorted(seen.at for seen in market.asked(COUNT))
    assert len(arrived) == 16
    # So many at once, so many in each window after it: none may come before its window has begun.
    for number, when in enumerate(arrived):
        assert when - began >= number // RATE.weight * RATE.seconds - 0.1


@pytest.mark.parametrize("fault", [status(503), reset()])
def test_a_backfill_leaves_a_dead_vendor_alone_and_everybody_hears_why(
    market: DatabentoApi, workdir: Path, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    market.fail(RANGE, fault, times=1_000)
    vendor, told, asked = source(market), [], []
    with caplog.at_level(logging.INFO):
        for _ in range(8):
            with pytest.raises(VendorUnavailable) as raised:
                vendor.fetch(request(), at(workdir))
            told.append(str(raised.value))
            asked.append(len(market.requests))
    assert asked == [3, 6, 8, 8, 8, 8, 8, 8]
    assert len(set(told[2:])) == 1
    assert "Databento is not asked before" in told[2]
    assert "8 requests in a row failed, the last with: the range of GLBX.MDP3" in told[2]
    assert sum("circuit open" in record.getMessage() for record in caplog.records) == 1
    assert max(record.levelno for record in caplog.records) == logging.WARNING
    assert left(workdir) == []


def test_another_process_leaves_it_alone_too(market: DatabentoApi, workdir: Path) -> None:
    market.fail(RANGE, status(503), times=1_000)
    for _ in range(3):
        with pytest.raises(VendorUnavailable):
            source(market).fetch(request(), at(workdir))
    asked = len(market.requests)
    with pytest.raises(Resting):
        source(market).fetch(request(), at(workdir))
    assert len(market.requests) == asked


def test_a_vendor_that_is_back_is_asked_again(market: DatabentoApi, workdir: Path) -> None:
    market.fail(RANGE, status(503), times=1_000)
    vendor = source(market)
    for _ in range(3):
        with pytest.raises(VendorUnavailable):
            vendor.fetch(request(), at(workdir))
    market.recover()
    circuit = market.ca_file.with_name("shared") / "breaker.json"
    circuit.write_text(json.dumps({**json.loads(circuit.read_text()), "until": 0}), encoding="utf-8")  # it has rested
    vendor.fetch(request(), at(workdir))
    assert left(workdir) == [FACTS, MEANT, TRADES]


@pytest.mark.parametrize("code", [401, 403, 422, 404])
def test_refusals_open_no_circuit(market: DatabentoApi, workdir: Path, code: int) -> None:
    market.fail(RANGE, status(code), times=1_000)
    for _ in range(10):
        with pytest.raises(MarketDataError) as raised:
            source(market).fetch(request(), at(workdir))
        assert not isinstance(raised.value, VendorUnavailable)
    market.recover()
    source(market).fetch(request(), at(workdir))


def test_what_is_shared_holds_no_key(market: DatabentoApi, workdir: Path) -> None:
    market.fail(RANGE, status(503, f"no {KEY}"), times=1_000)
    for _ in range(4):
        with pytest.raises(VendorUnavailable):
            source(market).fetch(request(), at(workdir))
    files = [path for path in market.ca_file.with_name("shared").iterdir() if path.is_file()]
    assert {"breaker.json", "metadata.db"} <= {path.name for path in files}
    assert not any(KEY.encode() in path.read_bytes() for path in files)
