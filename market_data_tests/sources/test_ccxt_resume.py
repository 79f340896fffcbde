"""A fetch that is killed anywhere goes on after the last whole page, and lands the bytes of an undisturbed one."""

import json
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_data.domain.errors import MarketDataError
from market_data_tests.sources.ccxt_case import DAY, ENDPOINT, EXCHANGES, brought, decoded, request, rows, source
from market_data_tests.sources.test_ccxt_faults import PASSING
from market_data_tests.vendors.ccxt_exchange import CcxtExchange, status
from market_data_tests.vendors.ccxt_truth import truth
from market_data_tests.vendors.faults import stall

STALLS = ("a stall",)  # each costs its time-out
SWIFT = sorted(set(PASSING) - set(STALLS))


BOOK = "pages-of-trades.jsonl.zst"


@settings(max_examples=15)
@given(
    exchange=st.sampled_from(EXCHANGES),
    seed=st.integers(0, 3),
    size=st.sampled_from([37, 250, 1_000]),
    largest=st.sampled_from([61, 1_000]),
    kills=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 400)), max_size=3),
    faults=st.lists(
        st.tuples(st.sampled_from([*SWIFT, "repeated"]), st.integers(0, 12), st.integers(1, 3)), max_size=4
    ),
)
def test_what_is_landed_is_the_truth_or_a_refusal(
    exchange: str,
    seed: int,
    size: int,
    largest: int,
    kills: list[tuple[int, int]],
    faults: list[tuple[str, int, int]],
) -> None:
    """Each kill lets so many requests pass, ends the fetch, and tears so many bytes off what is on disk."""
    traded, endpoint = truth(DAY, 600, seed), ENDPOINT[exchange]
    with tempfile.TemporaryDirectory() as folder, CcxtExchange(traded) as served:
        served.market.largest_page = largest
        vendor = source(exchange, served.base_url, Path(folder) / "shared", page_size=size)
        disturbed, undisturbed = Path(folder) / "disturbed", Path(folder) / "undisturbed"
        disturbed.mkdir()
        undisturbed.mkdir()
        for skip, torn in kills:
            served.fail(endpoint, status(500), times=4, skip=skip)
            for name, at_request, times in faults:
                fault = served.repeated(endpoint) if name == "repeated" else PASSING[name]
                served.fail(endpoint, fault, times=times, skip=at_request)
            with suppress(MarketDataError):
                brought(vendor, disturbed)
            (Path(folder) / "shared" / exchange / "breaker.json").unlink(missing_ok=True)
            served.recover()
            if (book := disturbed / BOOK).exists():
                with book.open("r+b") as file:
                    file.truncate(max(book.stat().st_size - torn, 0))
        try:
            expected = brought(vendor, undisturbed)
        except MarketDataError as refusal:  # Coinbase Advanced, of a second that a page does not hold
            with pytest.raises(type(refusal)):
                brought(vendor, disturbed)
            assert exchange == "coinbase"
            return
        files = brought(vendor, disturbed)
        assert [file.path.read_bytes() for file in files] == [file.path.read_bytes() for file in expected]
        assert rows(decoded(vendor, files)) == traded.of_the_day(exchange)
        assert vendor.verify(request(), [file.path for file in files])


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("torn", [1, 2, 50])
def test_a_torn_page_is_cut_off_and_only_it_is_asked_for_again(
    ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path, exchange: str, torn: int
) -> None:
    vendor = source(exchange, ccxt_exchange.base_url, tmp_path / "shared", page_size=1_000)
    before = [file.sha256 for file in brought(vendor, workdir)]
    book = workdir / BOOK
    with book.open("r+b") as file:
        file.truncate(book.stat().st_size - torn)
    asked = len(ccxt_exchange.requests)
    assert [file.sha256 for file in brought(vendor, workdir)] == before
    assert len(ccxt_exchange.requests) - asked == 1


def test_a_crash_while_it_was_landed_asks_for_nothing_again(
    ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path
) -> None:
    vendor = source("binance", ccxt_exchange.base_url, tmp_path / "shared")
    before = [file.sha256 for file in brought(vendor, workdir)]
    (workdir / "trades.jsonl.zst").unlink()
    asked = len(ccxt_exchange.requests)
    assert [file.sha256 for file in brought(vendor, workdir)] == before
    assert len(ccxt_exchange.requests) == asked


@pytest.mark.parametrize("damage", [b"\0" * 200, b"garbage", b"\x28\xb5\x2f\xfd"])
def test_what_a_power_cut_leaves_behind_the_last_page_is_cut_off(
    ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path, damage: bytes
) -> None:
    vendor = source("kraken", ccxt_exchange.base_url, tmp_path / "shared", page_size=300)
    before = [file.sha256 for file in brought(vendor, workdir)]
    with (workdir / BOOK).open("ab") as file:
        file.write(damage)
    assert [file.sha256 for file in brought(vendor, workdir)] == before


@pytest.mark.parametrize("exchange", ["binance", "coinbaseexchange"])
def test_a_process_that_is_killed_in_mid_page_loses_no_page(
    ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path, exchange: str
) -> None:
    code = (
        "import sys; from pathlib import Path; from market_data_tests.sources.ccxt_case import *\n"
        "exchange, url, shared, workdir = sys.argv[1:]\n"
        "brought(source(exchange, url, Path(shared), Patience(), page_size=200), Path(workdir))"
    )
    skip = {"binance": 7, "coinbaseexchange": 20}[exchange]
    ccxt_exchange.fail(ENDPOINT[exchange], stall(500), skip=skip)
    arguments = [exchange, ccxt_exchange.base_url, str(tmp_path / "shared"), str(workdir)]
    with subprocess.Popen([sys.executable, "-c", code, *arguments]) as process:
        while len(ccxt_exchange.asked(ENDPOINT[exchange])) <= skip and process.poll() is None:
            time.sleep(0.01)
        time.sleep(0.2)
        process.send_signal(signal.SIGKILL)
    asked = len(ccxt_exchange.asked(ENDPOINT[exchange]))
    vendor = source(exchange, ccxt_exchange.base_url, tmp_path / "shared", page_size=200)
    files = brought(vendor, workdir)
    again = len(ccxt_exchange.asked(ENDPOINT[exchange])) - asked
    pages = json.loads(files[1].path.read_text())["files"]["trades.jsonl.zst"]["pages"]
    assert 0 < again < pages
    assert rows(decoded(vendor, files)) == ccxt_exchange.market.truth.of_the_day(exchange)
