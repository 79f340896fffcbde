"""Tardis' instruments: what held on a day, with and without a key."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from market_data.domain.errors import DamagedDownload, NotAvailable
from market_data_tests.fetching import at, landed, left
from market_data_tests.sources.tardis_case import EXCHANGE, key, no_key, request, source
from market_data_tests.vendors import tardis_files as files
from market_data_tests.vendors.faults import body
from market_data_tests.vendors.tardis_archive import TardisArchive, tardis_archive

__all__ = ["key", "no_key", "tardis_archive"]


def instruments(archive: TardisArchive, workdir: Path, exchange: str = EXCHANGE, **wanted: Any) -> list[dict[str, Any]]:
    vendor = source(archive.base_url, workdir.parent / "shared", exchange=exchange)
    asked = request("instruments", **wanted)
    batches = list(vendor.decode(asked, landed(vendor.fetch(asked, at(workdir)))))
    return [row for batch in batches for row in batch.frame.rows(named=True)]


@pytest.mark.parametrize(
    ("day", "tick", "lot"),
    [
        (dt.date(2020, 3, 1), "0.5", "1"),
        (dt.date(2021, 6, 8), "0.5", "1"),
        (dt.date(2021, 6, 9), "0.5", "100"),
        (dt.date(2024, 8, 1), "0.1", "100"),
    ],
)
def test_an_instrument_has_the_steps_that_held_on_its_day(
    tardis_archive: TardisArchive, workdir: Path, day: dt.date, tick: str, lot: str
) -> None:
    files.write_api(tardis_archive.root, "instruments/bitmex/XBTUSD", files.instrument())
    (row,) = instruments(tardis_archive, workdir, day=day)
    assert (str(row["tick_size"].normalize()), str(row["lot_size"].to_integral())) == (tick, lot)
    assert (row["instrument_id"], row["kind"], row["base"], row["quote"]) == ("XBTUSD", "perpetual", "BTC", "USD")
    assert (row["contract_size"], row["contract_type"], row["expiry"]) == (1, "inverse_perpetual", None)
    assert row["available_since"] == 1_553_904_000_000_000_000


@pytest.mark.usefixtures("key")
def test_a_symbol_for_all_of_a_type_gives_those_that_were_there(tardis_archive: TardisArchive, workdir: Path) -> None:
    option = {"type": "option", "optionType": "call", "strikePrice": 9_000, "expiry": "2024-03-29T08:00:00.000Z"}
    answer = [
        files.instrument(id="A", **option),
        files.instrument(id="B", **option, availableTo="2024-02-29T08:00:00.000Z"),
        files.instrument(id="C", **option, availableSince="2024-03-02T00:00:00.000Z"),
    ]
    files.write_api(tardis_archive.root, "instruments/deribit", answer)
    rows = instruments(tardis_archive, workdir, "deribit", vendor_symbol="OPTIONS")
    assert [(row["instrument_id"], row["kind"], row["option_type"], row["strike"]) for row in rows] == [
        ("A", "option", "call", 9_000)
    ]
    assert rows[0]["expiry"] == 1_711_699_200_000_000_000
    assert tardis_archive.requests[0].target == "/v1/instruments/deribit?filter=%7B%22type%22%3A%22option%22%7D"


def test_without_a_key_an_instruments_kind_comes_from_the_exchanges_list(
    tardis_archive: TardisArchive, workdir: Path
) -> None:
    listed = [
        {"id": "BTC-PERPETUAL", "type": "perpetual", "availableSince": "2019-03-30T00:00:00.000Z"},
        {"id": "BTC-PS", "type": "combo", "availableSince": "2019-03-30T00:00:00.000Z"},
    ]
    files.write_api(tardis_archive.root, "exchanges/deribit", files.exchange(listed))
    for symbol, kind in (("BTC-PERPETUAL", "perpetual"), ("BTC-PS", "spread")):
        (row,) = instruments(tardis_archive, workdir, "deribit", vendor_symbol=symbol)
        assert (row["instrument_id"], row["kind"], row["tick_size"], row["base"]) == (symbol, kind, None, None)
    assert [seen.target for seen in tardis_archive.requests] == ["/v1/exchanges/deribit"]
    with pytest.raises(NotAvailable, match="Tardis' list of deribit has no ETH-PERPETUAL"):
        instruments(tardis_archive, workdir, "deribit", vendor_symbol="ETH-PERPETUAL")


def test_an_answer_of_the_api_that_is_no_json_is_not_kept(tardis_archive: TardisArchive, workdir: Path) -> None:
    files.write_api(tardis_archive.root, "instruments/bitmex/XBTUSD", files.instrument())
    tardis_archive.fail("instruments/bitmex/XBTUSD", body(b"<html>maintenance</html>"), times=2)
    with pytest.raises(DamagedDownload, match="is no JSON"):
        instruments(tardis_archive, workdir)
    assert left(workdir) == []
    assert len(instruments(tardis_archive, workdir)) == 1


def test_an_instrument_with_a_step_that_does_not_fit_is_a_fault(tardis_archive: TardisArchive, workdir: Path) -> None:
    answer = files.instrument(priceIncrement=1e-12, changes=[])
    files.write_api(tardis_archive.root, "instruments/bitmex/XBTUSD", answer)
    vendor = source(tardis_archive.base_url, workdir.parent / "shared")
    asked = request("instruments")
    (batch,) = vendor.decode(asked, landed(vendor.fetch(asked, at(workdir))))
    assert [fault.reason for fault in batch.faults] == ["priceIncrement does not fit: '1E-12'"]
    assert json.loads(json.dumps(dict(batch.original(0)), default=str))["id"] == "XBTUSD"
