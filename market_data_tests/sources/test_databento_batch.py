"""Large days by batch job: paid once, whatever happens to the process, the connection or the job; its hash enforced."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from market_data.domain.errors import (
    BadFile,
    DamagedDownload,
    MarketDataError,
    NotAvailable,
    OverBudget,
    VendorRefused,
    VendorUnavailable,
)
from market_data.sources.databento import Databento
from market_data_tests.fetching import at, left
from market_data_tests.sources.databento_case import (
    BARS,
    DAY,
    FACTS,
    MEANT,
    SYMBOL,
    TRADES,
    key,
    market,
    request,
    source,
)
from market_data_tests.vendors import dbn_files as files
from market_data_tests.vendors.databento_api import (
    COST,
    COUNT,
    SIZE,
    STREAM,
    DatabentoApi,
    Offer,
    databento_api,
    status,
    wrong_count,
    wrong_hash,
)
from market_data_tests.vendors.databento_jobs import DETAILS, DOWNLOAD, FILES, JOBS, SUBMIT
from market_data_tests.vendors.faults import Answer, Fault, FaultyHandler, body, cut_off, reset, stall

__all__ = ["databento_api", "key", "market"]

NOTE = "trades.job.json"
WHOLE = files.trades(DAY, 1_000)
DONE = [FACTS, MEANT, TRADES]


def large(api: DatabentoApi) -> Databento:
    """A source that buys everything by job."""
    return source(api, batch_above_bytes=0)


def buy(api: DatabentoApi, workdir: Path, spend: Callable[[float, str], None] | None = None) -> bytes:
    return large(api).fetch(request(), at(workdir, spend))[0].path.read_bytes()


def orders(api: DatabentoApi) -> int:
    return len(api.jobs.orders)


def test_a_large_day_is_bought_by_a_job_and_is_the_streams_file(market: DatabentoApi, workdir: Path) -> None:
    assert buy(market, workdir) == WHOLE
    assert left(workdir) == DONE
    assert market.asked(STREAM) == []
    (order,) = market.asked(SUBMIT)
    wanted = {"encoding": "dbn", "compression": "zstd", "split_duration": "none", "symbols": SYMBOL, "schema": "trades"}
    assert order.form.items() >= {**wanted, "map_symbols": "False", "split_symbols": "False"}.items()
    asked = [market.endpoint(seen) for seen in market.requests]
    assert asked[asked.index(SIZE) :] == [SIZE, COST, SUBMIT, DETAILS, FILES, DOWNLOAD]


@pytest.mark.parametrize(("above", "jobs"), [(999, 1), (1_000, 0)])
def test_the_billed_size_decides(market: DatabentoApi, workdir: Path, above: int, jobs: int) -> None:
    market.offer("trades", SYMBOL, DAY, Offer(WHOLE, 1_000, size_bytes=1_000))
    source(market, batch_above_bytes=above).fetch(request(), at(workdir))
    assert (orders(market), len(market.asked(STREAM))) == (jobs, 1 - jobs)


def test_each_file_of_a_table_is_bought_in_its_own_way(market: DatabentoApi, workdir: Path) -> None:
    market.offer("ohlcv-1h", SYMBOL, DAY, Offer(files.bars(DAY, 1, schema="ohlcv-1h"), 1, size_bytes=10**9))
    vendor = source(market, schemas=("ohlcv-1m", "ohlcv-1h"), batch_above_bytes=10**6)
    fetched = vendor.fetch(request("vendor_candles"), at(workdir))
    assert [each.name for each in fetched] == [BARS, "ohlcv-1h.dbn.zst", FACTS, MEANT]
    assert [seen.form["schema"] for seen in market.asked(SUBMIT)] == ["ohlcv-1h"]
    assert [seen.form["schema"] for seen in market.asked(STREAM)] == ["ohlcv-1m"]


def test_a_job_is_paid_before_it_is_ordered_and_only_then(market: DatabentoApi, workdir: Path) -> None:
    spent: list[tuple[float, int]] = []
    market.fail(DOWNLOAD, cut_off(3_000))
    buy(market, workdir, lambda usd, _: spent.append((usd, orders(market))))
    assert spent == [(0.01, 0)]


def test_what_may_not_be_spent_is_not_ordered(market: DatabentoApi, workdir: Path) -> None:
    def spend(usd: float, what: str) -> None:
        raise OverBudget(f"{what} {usd}")

    with pytest.raises(OverBudget):
        buy(market, workdir, spend)
    assert orders(market) == 0
    assert left(workdir) == []


def test_a_job_is_waited_for_and_what_it_does_is_logged(
    market: DatabentoApi, workdir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    market.jobs.states = ("received", "queued", "processing", "done")
    with caplog.at_level(logging.INFO):
        assert buy(market, workdir) == WHOLE
    name = market.jobs.orders[0].name
    told = [record.getMessage() for record in caplog.records if "batch job" in record.getMessage()]
    assert [line.partition(name)[2].partition(";")[0] for line in told] == [
        "",
        " is received",
        " is queued",
        " is processing",
    ]
    assert max(record.levelno for record in caplog.records) == logging.INFO


def test_a_job_that_takes_too_long_is_gone_on_with_at_no_cost(market: DatabentoApi, workdir: Path) -> None:
    market.jobs.states = ("queued",)
    spent: list[float] = []
    with pytest.raises(VendorUnavailable, match="is still queued; run it again to go on with it, at no cost"):
        buy(market, workdir, lambda usd, _: spent.append(usd))
    assert left(workdir) == [NOTE]
    market.jobs.orders[0].states = ["done"]
    assert buy(market, workdir, lambda usd, _: spent.append(usd)) == WHOLE
    assert (orders(market), spent, left(workdir)) == (1, [0.01], DONE)


def test_a_job_that_has_expired_is_said_and_only_the_next_run_orders_another(
    market: DatabentoApi, workdir: Path
) -> None:
    market.jobs.states = ("expired",)
    with pytest.raises(NotAvailable, match="has expired; run it again to order and pay another"):
        buy(market, workdir)
    assert (orders(market), left(workdir)) == (1, [])
    market.jobs.states = ("done",)
    assert buy(market, workdir) == WHOLE
    assert orders(market) == 2


@pytest.mark.parametrize(
    ("endpoint", "fault"),
    [
        (SUBMIT, status(429, retry_after="0")),
        (SUBMIT, status(503)),
        (SUBMIT, reset()),
        (SUBMIT, stall()),
        (SUBMIT, body(b"{}")),
        (DETAILS, status(429, retry_after="0")),
        (DETAILS, status(500)),
        (FILES, reset()),
        (FILES, wrong_hash),
        (DOWNLOAD, status(429, retry_after="0")),
        (DOWNLOAD, status(503)),
        (DOWNLOAD, cut_off(3_000)),
        (DOWNLOAD, cut_off(3_000, announced=False)),
        (DOWNLOAD, reset(3_000)),
        (DOWNLOAD, stall(3_000)),
        (DOWNLOAD, body(WHOLE[::-1])),
        (COUNT, wrong_count()),
    ],
)
def test_a_fault_that_passes_is_mended_and_the_job_is_ordered_once(
    market: DatabentoApi, workdir: Path, endpoint: str, fault: Fault
) -> None:
    market.fail(endpoint, fault)
    spent: list[float] = []
    assert buy(market, workdir, lambda usd, _: spent.append(usd)) == WHOLE
    assert (orders(market), spent, left(workdir)) == (1, [0.01], DONE)


@pytest.mark.parametrize(
    ("endpoint", "fault", "error", "words", "stays"),
    [
        (SUBMIT, status(429, retry_after="3600"), VendorUnavailable, "Retry-After: 3600", [NOTE]),
        (JOBS, status(500), VendorUnavailable, "tries: 3", [NOTE]),
        (DETAILS, status(500), VendorUnavailable, "tries: 3", [NOTE]),
        (FILES, wrong_hash, DamagedDownload, "has the SHA-256", [NOTE]),
        (DETAILS, body(b"[]"), VendorUnavailable, "the answer has no state", [NOTE]),
        (FILES, body(b"{}"), VendorUnavailable, "the answer is no list", [NOTE]),
        (FILES, body(b"[]"), BadFile, "has 0 data files where one belongs", [NOTE]),
        (DOWNLOAD, body(WHOLE[::-1]), DamagedDownload, "nothing of it was kept", [NOTE]),
        (DOWNLOAD, reset(3_000), VendorUnavailable, "tries: 3", None),
        (DOWNLOAD, status(404), NotAvailable, "404", [NOTE]),
        (COUNT, wrong_count(), DamagedDownload, "1000 records came, and Databento counts 1001", [NOTE]),
    ],
)
def test_a_fault_that_stays_is_said_and_the_next_fetch_goes_on_with_the_job(
    market: DatabentoApi,
    workdir: Path,
    endpoint: str,
    fault: Fault,
    error: type[MarketDataError],
    words: str,
    stays: list[str] | None,
) -> None:
    if endpoint == JOBS:
        market.fail(SUBMIT, reset())
    market.fail(endpoint, fault, times=30)
    spent: list[float] = []
    with pytest.raises(error) as raised:
        buy(market, workdir, lambda usd, _: spent.append(usd))
    assert type(raised.value) is error
    assert words in str(raised.value)
    assert stays is None or left(workdir) == stays
    market.recover()
    assert buy(market, workdir, lambda usd, _: spent.append(usd)) == WHOLE
    assert (spent, orders(market), left(workdir)) == ([0.01], 1, DONE)


@pytest.mark.parametrize(("code", "words"), [(403, "no right to this"), (402, "the account cannot pay")])
def test_an_order_that_is_refused_is_paid_again_when_it_is_made_again(
    market: DatabentoApi, workdir: Path, code: int, words: str
) -> None:
    market.fail(SUBMIT, status(code))
    spent: list[float] = []
    with pytest.raises(VendorRefused, match=words):
        buy(market, workdir, lambda usd, _: spent.append(usd))
    assert (len(market.asked(SUBMIT)), left(workdir)) == (1, [])
    assert buy(market, workdir, lambda usd, _: spent.append(usd)) == WHOLE
    assert spent == [0.01, 0.01]


def test_an_order_of_which_nothing_was_heard_is_looked_for_before_another_one(
    market: DatabentoApi, workdir: Path
) -> None:
    market.offer("ohlcv-1m", SYMBOL, DAY, Offer(files.bars(DAY, 60), 60))
    source(market, batch_above_bytes=0).fetch(request("vendor_candles"), at(workdir))  # another order, just before
    market.fail(SUBMIT, reset(), times=2)
    assert buy(market, workdir) == WHOLE
    assert [seen.form["schema"] for seen in market.asked(SUBMIT)] == ["ohlcv-1m", "trades"]
    assert len(market.asked(JOBS)) == 1


def test_a_download_is_gone_on_with_where_it_broke_off(market: DatabentoApi, workdir: Path) -> None:
    market.fail(DOWNLOAD, cut_off(3_000), times=3)
    with pytest.raises(VendorUnavailable):
        buy(market, workdir)
    ended = [seen.range for seen in market.asked(DOWNLOAD)]
    assert ended == [None, "bytes=3000-", "bytes=6000-"]
    assert buy(market, workdir) == WHOLE
    assert market.asked(DOWNLOAD)[-1].range == "bytes=9000-"


@pytest.mark.parametrize("remains", [b"x" * 500, WHOLE + b"more"])
def test_a_part_of_something_else_is_found_by_its_hash(market: DatabentoApi, workdir: Path, remains: bytes) -> None:
    (workdir / f"{TRADES}.batch.part").write_bytes(remains)
    assert buy(market, workdir) == WHOLE
    assert left(workdir) == DONE


def test_a_job_of_several_files_is_refused(market: DatabentoApi, workdir: Path) -> None:
    market.jobs.pieces = 3
    with pytest.raises(BadFile, match="has 3 data files where one belongs"):
        buy(market, workdir)


def test_a_job_of_other_data_is_refused_although_its_hash_is_right(market: DatabentoApi, workdir: Path) -> None:
    market.offer("trades", SYMBOL, DAY, Offer(files.trades(DAY, 1_000, "CLH4"), 1_000))
    with pytest.raises(DamagedDownload, match="has the symbols CLH4, without ESH4"):
        buy(market, workdir)
    assert orders(market) == 1


def test_a_note_of_another_order_is_not_taken_for_this_one(market: DatabentoApi, workdir: Path) -> None:
    (workdir / NOTE).write_text(json.dumps({"order": "something else", "since": "2024-01-01", "job": "GLBX-1"}))
    assert buy(market, workdir) == WHOLE
    assert orders(market) == 1


CODE = """
import os, sys, time
from pathlib import Path
from market_data.domain.ports.source import FetchContext
from market_data.sources.databento import batch
from market_data_tests.sources.databento_case import Databento, DatabentoOptions, DAY, QUICK, SYMBOL, request
options = {"dataset": "GLBX.MDP3", "gateway": sys.argv[1], "ca_file": sys.argv[2], "batch_above_bytes": 0}
vendor = Databento(DatabentoOptions.model_validate(options), {"ES": SYMBOL}, Path(sys.argv[3]))
vendor.patience = QUICK
vendor.fetch(request(), FetchContext(Path(sys.argv[4]), lambda usd, what: None))
"""


@pytest.mark.parametrize(
    ("endpoint", "stays"), [(SUBMIT, [NOTE]), (DETAILS, [NOTE]), (DOWNLOAD, [f"{TRADES}.batch.part", NOTE])]
)
def test_a_killed_process_finds_its_job_again(
    market: DatabentoApi, workdir: Path, endpoint: str, stays: list[str]
) -> None:
    """It is killed by the vendor's answer: while it orders, while it waits, while it downloads."""
    victim: list[subprocess.Popen[bytes]] = []

    def kill(answer: Answer) -> None:
        def send(handler: FaultyHandler, content: bytes) -> None:
            if endpoint == DOWNLOAD:
                handler.wfile.write(content[:4_000])
                while not any(path.suffix == ".part" and path.stat().st_size for path in workdir.iterdir()):
                    market.closing.wait(0.01)
            victim[0].kill()
            victim[0].wait()

        answer.send = send

    market.fail(endpoint, kill)
    shared = market.ca_file.with_name("shared")
    arguments = [sys.executable, "-c", CODE, market.gateway, str(market.ca_file), str(shared), str(workdir)]
    victim.append(subprocess.Popen(arguments, env=dict(os.environ)))
    assert victim[0].wait(60) < 0
    assert left(workdir) == stays
    spent: list[float] = []
    assert buy(market, workdir, lambda usd, _: spent.append(usd)) == WHOLE
    assert (orders(market), spent, left(workdir)) == (1, [], DONE)
    if endpoint == DOWNLOAD:
        assert market.asked(DOWNLOAD)[-1].range is not None


def test_a_download_asks_with_the_key_and_does_not_show_it(
    market: DatabentoApi, key: str, workdir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    market.fail(DOWNLOAD, status(403), times=20)
    with caplog.at_level(logging.DEBUG), pytest.raises(VendorRefused) as raised:
        buy(market, workdir)
    assert key not in str(raised.value) + repr(raised.value) + caplog.text
    assert all(key not in path.read_text(encoding="latin-1") for path in workdir.iterdir())
