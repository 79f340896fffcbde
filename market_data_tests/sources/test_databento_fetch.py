"""Databento over a real connection that misbehaves: what the user is told, what stays, what is asked and bought."""

import logging
from pathlib import Path

import pytest

from market_data.domain.errors import (
    ConfigurationError,
    DamagedDownload,
    MarketDataError,
    NotAvailable,
    NotYetAvailable,
    OverBudget,
    VendorRefused,
    VendorUnavailable,
)
from market_data.sources.databento import facts
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
    CONDITION,
    COST,
    COUNT,
    RESOLVE,
    SIZE,
    STREAM,
    DatabentoApi,
    Offer,
    databento_api,
    status,
    wrong_count,
)
from market_data_tests.vendors.faults import Fault, body, cut_off, reset, stall

__all__ = ["databento_api", "key", "market"]


SHORT = files.trades(DAY, 400)


def test_a_fetch_brings_the_vendors_bytes_and_what_it_says_of_the_day(market: DatabentoApi, workdir: Path) -> None:
    fetched = source(market).fetch(request(), at(workdir))
    assert [each.name for each in fetched] == [TRADES, FACTS, MEANT]
    assert fetched[0].origin == "databento GLBX.MDP3 trades of ESH4 on 2024-01-15"
    assert fetched[0].path.read_bytes() == files.trades(DAY, 1_000)
    assert facts.read(fetched[1].path) == facts.Facts("available", "2024-02-01", {"trades": 1_000})
    assert left(workdir) == [FACTS, MEANT, TRADES]


def test_the_day_is_asked_for_half_open_and_only_its_tables_schema(market: DatabentoApi, workdir: Path) -> None:
    source(market).fetch(request("vendor_candles"), at(workdir))
    (stream,) = market.asked(STREAM)
    wanted = {"dataset": "GLBX.MDP3", "schema": "ohlcv-1m", "symbols": SYMBOL, "stype_in": "raw_symbol"}
    assert stream.form.items() >= {**wanted, "start": "2024-01-15", "end": "2024-01-16"}.items()
    assert left(workdir) == [FACTS, BARS, MEANT]


def test_everything_free_is_asked_before_the_first_byte(market: DatabentoApi, workdir: Path) -> None:
    source(market).fetch(request(), at(workdir))
    assert [market.endpoint(seen) for seen in market.requests] == [
        "metadata.get_dataset_range",
        CONDITION,
        RESOLVE,
        COUNT,
        SIZE,
        COST,
        STREAM,
    ]


@pytest.mark.parametrize(
    ("endpoint", "fault", "streams"),
    [
        (STREAM, status(429, retry_after="0"), 2),
        (STREAM, status(500), 2),
        (STREAM, status(504), 2),
        (STREAM, cut_off(2_000), 2),
        (STREAM, cut_off(2_000, announced=False), 2),
        (STREAM, cut_off(0, announced=False), 2),
        (STREAM, reset(2_000), 2),
        (STREAM, stall(2_000), 2),
        (STREAM, body(SHORT), 2),
        (STREAM, body(files.bars(DAY, 1_000)), 2),
        (STREAM, body(b"<html>proxy</html>"), 2),
        (COUNT, wrong_count(), 2),
        (COUNT, status(429, retry_after="0"), 1),
        (COUNT, cut_off(0), 1),
        (COST, status(503), 1),
        (COST, stall(), 1),
        (CONDITION, body(b"<html>proxy</html>"), 1),
    ],
)
def test_a_fault_that_passes_is_mended_within_the_fetch(
    market: DatabentoApi, workdir: Path, endpoint: str, fault: Fault, streams: int
) -> None:
    market.fail(endpoint, fault)
    fetched = source(market).fetch(request(), at(workdir))
    assert fetched[0].path.read_bytes() == files.trades(DAY, 1_000)
    assert left(workdir) == [FACTS, MEANT, TRADES]
    assert len(market.asked(STREAM)) == streams


@pytest.mark.parametrize(
    ("endpoint", "fault", "error", "words", "streams"),
    [
        (STREAM, status(500), VendorUnavailable, "Databento answers 500 a_case\nno (tries: 3; try again later)", 3),
        (STREAM, status(429, retry_after="0"), VendorUnavailable, "Retry-After: 0 (tries: 3", 3),
        (STREAM, status(429, retry_after="3600"), VendorUnavailable, "Retry-After: 3600 (tries: 1", 1),
        (STREAM, status(403), VendorRefused, "the key's account has no right to this", 1),
        (STREAM, status(422, "no such schema"), VendorRefused, "no such schema: look at dataset, schemas", 1),
        (STREAM, status(402), VendorRefused, "the account cannot pay", 1),
        (STREAM, status(404), NotAvailable, "look at dataset, symbols and stype_in", 1),
        (STREAM, cut_off(2_000), DamagedDownload, "Error streaming response", 2),
        (STREAM, cut_off(2_000, announced=False), DamagedDownload, "is cut short", 2),
        (STREAM, reset(2_000), DamagedDownload, "Error streaming response", 2),
        (STREAM, stall(2_000), DamagedDownload, "Read timed out", 2),
        (STREAM, body(SHORT), DamagedDownload, "400 records came, and Databento counts 1000", 2),
        (STREAM, body(files.trades(DAY, 1_000, "CLH4")), DamagedDownload, "has the symbols CLH4, without ESH4", 2),
        (STREAM, body(b""), DamagedDownload, "what came is no DBN", 2),
        (COUNT, wrong_count(), DamagedDownload, "1000 records came, and Databento counts 1001", 2),
        (COUNT, body(b'"many"'), VendorUnavailable, "the answer is no figure: many", 0),
        (COST, body(b"NaN"), VendorUnavailable, "the answer is no figure: nan", 0),
        (COST, body(b"-1"), VendorUnavailable, "the answer is no figure: -1", 0),
        (COST, stall(), VendorUnavailable, "tries: 3", 0),
        (COST, reset(), VendorUnavailable, "tries: 3", 0),
        (CONDITION, body(b'{"detail": 1}'), VendorUnavailable, "the answer is no list", 0),
    ],
)
def test_a_fault_that_stays_is_said_and_the_next_fetch_completes(
    market: DatabentoApi,
    workdir: Path,
    endpoint: str,
    fault: Fault,
    error: type[MarketDataError],
    words: str,
    streams: int,
) -> None:
    market.fail(endpoint, fault, times=20)
    vendor = source(market)
    with pytest.raises(error) as raised:
        vendor.fetch(request(), at(workdir))
    assert type(raised.value) is error
    assert words in str(raised.value)
    assert left(workdir) == []
    assert len(market.asked(STREAM)) == streams
    market.recover()
    assert vendor.fetch(request(), at(workdir))[0].path.read_bytes() == files.trades(DAY, 1_000)
    assert left(workdir) == [FACTS, MEANT, TRADES]


def test_what_is_billed_is_spent_before_it_is_asked_for(market: DatabentoApi, workdir: Path) -> None:
    market.offer("trades", SYMBOL, DAY, Offer(files.trades(DAY, 10), 10, cost_usd=0.25))
    spent: list[tuple[float, str, int]] = []

    def spend(usd: float, what: str) -> None:
        spent.append((usd, what, len(market.asked(STREAM))))

    market.fail(STREAM, cut_off(100))
    source(market).fetch(request(), at(workdir, spend))
    what = "GLBX.MDP3 trades of ESH4 on 2024-01-15"
    assert spent == [(0.25, what, 0), (0.25, what, 1)]  # the one that broke off is billed too


def test_what_may_not_be_spent_is_not_bought(market: DatabentoApi, workdir: Path) -> None:
    def spend(usd: float, what: str) -> None:
        raise OverBudget(f"{what} {usd}")

    with pytest.raises(OverBudget, match=r"trades of ESH4 on 2024-01-15 0\.01"):
        source(market).fetch(request(), at(workdir, spend))
    assert left(workdir) == []
    assert market.asked(STREAM) == []


def test_what_came_whole_is_neither_bought_nor_budgeted_again(market: DatabentoApi, workdir: Path) -> None:
    hours = files.bars(DAY, 0, schema="ohlcv-1h")
    market.offer("ohlcv-1h", SYMBOL, DAY, Offer(hours, 0, cost_usd=4.0))
    market.offer("ohlcv-1m", SYMBOL, DAY, Offer(files.bars(DAY, 60), 60, cost_usd=1.0))
    vendor = source(market, schemas=("ohlcv-1m", "ohlcv-1h"))
    market.fail(STREAM, lambda _: None)
    market.fail(STREAM, status(403))
    with pytest.raises(VendorRefused):
        vendor.fetch(request("vendor_candles"), at(workdir))
    assert left(workdir) == [BARS]
    spent: list[float] = []
    again = source(market, schemas=("ohlcv-1m", "ohlcv-1h"))
    fetched = again.fetch(request("vendor_candles"), at(workdir, lambda usd, _: spent.append(usd)))
    assert [each.name for each in fetched] == [BARS, "ohlcv-1h.dbn.zst", FACTS, MEANT]
    assert spent == [4.0]
    assert [seen.form["schema"] for seen in market.asked(STREAM)] == ["ohlcv-1m", "ohlcv-1h", "ohlcv-1h"]


@pytest.mark.parametrize("remains", [b"", b"half of it", SHORT])
@pytest.mark.parametrize("name", [TRADES, f"{TRADES}.part"])
def test_remains_of_an_ended_process_are_replaced(
    market: DatabentoApi, workdir: Path, name: str, remains: bytes
) -> None:
    (workdir / name).write_bytes(remains)
    source(market).fetch(request(), at(workdir))
    assert (workdir / TRADES).read_bytes() == files.trades(DAY, 1_000)
    assert left(workdir) == [FACTS, MEANT, TRADES]


def test_remains_of_another_dataset_are_not_taken_for_the_file(market: DatabentoApi, workdir: Path) -> None:
    (workdir / TRADES).write_bytes(files.trades(DAY, 1_000, dataset="XNAS.ITCH"))
    source(market).fetch(request(), at(workdir))
    assert (workdir / TRADES).read_bytes() == files.trades(DAY, 1_000)


@pytest.mark.parametrize("condition", ["degraded", "missing"])
def test_a_day_of_poor_quality_is_recorded_and_no_error(
    market: DatabentoApi, workdir: Path, caplog: pytest.LogCaptureFixture, condition: str
) -> None:
    market.conditions["2024-01-15"] = condition
    with caplog.at_level(logging.INFO):
        fetched = source(market).fetch(request(), at(workdir))
    assert facts.read(fetched[1].path).condition == condition
    assert f"Databento calls the day {condition}" in caplog.text
    assert "a day of reduced quality" in caplog.text
    assert max(record.levelno for record in caplog.records) == logging.WARNING


def test_a_day_without_records_is_a_file_without_records(market: DatabentoApi, workdir: Path) -> None:
    market.offer("trades", SYMBOL, DAY, Offer(files.trades(DAY, 0), 0, 0.0))
    fetched = source(market).fetch(request(), at(workdir))
    assert facts.read(fetched[1].path).expected == 0


@pytest.mark.parametrize(
    ("ends", "condition", "error"),
    [
        ("2024-01-15T23:59:59.999999999Z", "available", NotYetAvailable),
        ("2024-01-16T00:00:00.000000000Z", "pending", NotYetAvailable),
        ("2024-01-16T00:00:00.000000000Z", "available", None),
    ],
)
def test_a_day_that_is_not_whole_at_the_vendor_is_not_bought(
    market: DatabentoApi, workdir: Path, ends: str, condition: str, error: type[MarketDataError] | None
) -> None:
    market.ends, market.conditions["2024-01-15"] = ends, condition
    vendor = source(market)
    if error is None:
        vendor.fetch(request(), at(workdir))
        return
    with pytest.raises(error, match="is not available yet"):
        vendor.fetch(request(), at(workdir))
    assert market.asked(STREAM) == []
    market.ends, market.conditions["2024-01-15"] = "2024-01-17T00:00:00Z", "available"
    vendor.fetch(request(), at(workdir))
    assert left(workdir) == [FACTS, MEANT, TRADES]


def test_a_day_before_the_accounts_range_is_not_available(market: DatabentoApi, workdir: Path) -> None:
    with pytest.raises(NotAvailable, match="begins at 2010-06-06"):
        source(market).fetch(request(day=DAY.replace(year=2009)), at(workdir))
    assert market.asked(STREAM) == []


def test_a_table_that_no_schema_feeds_is_said_with_those_that_would(market: DatabentoApi, workdir: Path) -> None:
    with pytest.raises(
        ConfigurationError, match="no schema in the feed's options feeds quotes; add one of tbbo, mbp-1"
    ):
        source(market).fetch(request("quotes"), at(workdir))
    assert market.requests == []
