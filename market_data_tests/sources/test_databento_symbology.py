"""Which instruments a symbol stands for on a day: asked before anything is bought, landed, and in every row."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from market_data.domain.errors import UnclearSymbol, VendorRefused, VendorUnavailable
from market_data.domain.ports.source import LandedFile
from market_data.sources.databento import Databento, resolution
from market_data_tests.fetching import at, landed
from market_data_tests.sources.databento_case import (
    DAY,
    FACTS,
    LAPSED,
    LISTED,
    MEANT,
    SYMBOL,
    key,
    market,
    request,
    source,
)
from market_data_tests.vendors import dbn_files as files
from market_data_tests.vendors.databento_api import (
    COST,
    COUNT,
    RESOLVE,
    STREAM,
    DatabentoApi,
    Offer,
    databento_api,
    status,
)
from market_data_tests.vendors.faults import Fault, body

__all__ = ["databento_api", "key", "market"]

NEXT = DAY + dt.timedelta(days=1)
PARENT, CONTINUOUS, NUMBER = "ES.FUT", "ES.c.0", str(files.INSTRUMENT)


def bought(vendor: Databento, symbol: str, workdir: Path, day: dt.date = DAY) -> list[LandedFile]:
    return landed(vendor.fetch(request(vendor_symbol=symbol, day=day), at(workdir)))


def offer(api: DatabentoApi, symbol: str, stype_in: str, ids: list[int], day: dt.date = DAY, **asked: Any) -> None:
    """A file of trades of these instruments, whose metadata knows them only by what was asked."""
    made = files.some_trades(day, 0, len(ids), 10)
    made["instrument_id"] = ids
    asked.setdefault(
        "mappings", {symbol: [(day, day + dt.timedelta(days=1), str(each)) for each in dict.fromkeys(ids)]}
    )
    head = files.head("trades", day, stype_in=stype_in, symbols=[symbol], **asked)
    api.offer("trades", symbol, day, Offer(files.streamed(head, made), len(ids)))


def symbols_of(vendor: Databento, symbol: str, bought: list[LandedFile], day: dt.date = DAY) -> list[str | None]:
    return [
        each
        for batch in vendor.decode(request(vendor_symbol=symbol, day=day), bought)
        for each in batch.frame["raw_symbol"].to_list()
    ]


@pytest.mark.parametrize(
    ("stype_in", "symbol", "asked"),
    [
        ("raw_symbol", SYMBOL, [("raw_symbol", "instrument_id")]),
        ("continuous", CONTINUOUS, [("continuous", "instrument_id"), ("instrument_id", "raw_symbol")]),
        ("instrument_id", NUMBER, [("instrument_id", "raw_symbol")]),
    ],
)
def test_every_row_carries_the_raw_symbol_of_that_day(
    market: DatabentoApi, workdir: Path, stype_in: str, symbol: str, asked: list[tuple[str, str]]
) -> None:
    market.symbology.rolls(CONTINUOUS, files.INSTRUMENT, LISTED, LAPSED)
    offer(market, symbol, stype_in, [files.INSTRUMENT] * 3)
    vendor = source(market, stype_in=stype_in, symbol=symbol)
    brought = bought(vendor, symbol, workdir)
    assert symbols_of(vendor, symbol, brought) == ["ESH4"] * 3
    assert [(seen.form["stype_in"], seen.form["stype_out"]) for seen in market.asked(RESOLVE)] == asked
    assert {(seen.form["start_date"], seen.form["end_date"]) for seen in market.asked(RESOLVE)} == {
        ("2024-01-15", "2024-01-16")
    }


@pytest.mark.parametrize("name", [CONTINUOUS, NUMBER])
def test_an_id_that_is_used_again_and_a_roll_mean_the_day(market: DatabentoApi, workdir: Path, name: str) -> None:
    """Until DAY the id and the continuous symbol meant one instrument, from then on another one."""
    stype_in = "continuous" if name == CONTINUOUS else "instrument_id"
    market.symbology.ids.clear()
    market.symbology.lists("OLD", files.INSTRUMENT, LISTED, DAY)
    market.symbology.lists("NEW", files.INSTRUMENT, DAY, NEXT)
    market.symbology.lists("LATER", files.INSTRUMENT, NEXT, LAPSED)
    market.symbology.rolls(CONTINUOUS, 5, LISTED, DAY)
    market.symbology.rolls(CONTINUOUS, files.INSTRUMENT, DAY, NEXT)
    offer(market, name, stype_in, [files.INSTRUMENT])
    vendor = source(market, stype_in=stype_in, symbol=name)
    assert symbols_of(vendor, name, bought(vendor, name, workdir)) == ["NEW"]


def test_a_parent_stands_for_all_its_children(market: DatabentoApi, workdir: Path) -> None:
    market.symbology.lists("ESM4", 2, LISTED, LAPSED, parent=PARENT)
    market.symbology.lists("ESZ3", 3, LISTED, DAY, parent=PARENT)
    offer(market, PARENT, "parent", [2, files.INSTRUMENT, 2])
    vendor = source(market, stype_in="parent", symbol=PARENT)
    brought = bought(vendor, PARENT, workdir)
    assert symbols_of(vendor, PARENT, brought) == ["ESM4", "ESH4", "ESM4"]
    assert vendor.notes(request(vendor_symbol=PARENT), brought)["symbology"] == {"2": "ESM4", NUMBER: "ESH4"}


def test_children_that_come_under_the_parents_name_are_named_one_by_one(market: DatabentoApi, workdir: Path) -> None:
    market.symbology.lists("ESM4", 2, LISTED, LAPSED)
    offer(market, PARENT, "parent", [2, files.INSTRUMENT])
    interval = {"d0": "2024-01-15", "d1": "2024-01-16"}
    mappings = [{**interval, "s": "2"}, {**interval, "s": NUMBER}, {**interval, "s": "99"}]
    market.fail(RESOLVE, body(json.dumps({"result": {PARENT: mappings}}).encode()))
    vendor = source(market, stype_in="parent", symbol=PARENT)
    brought = bought(vendor, PARENT, workdir)
    assert symbols_of(vendor, PARENT, brought) == ["ESM4", "ESH4"]
    notes = vendor.notes(request(vendor_symbol=PARENT), brought)
    assert notes["symbology"] == {"2": "ESM4", "99": None, NUMBER: "ESH4"}
    assert notes["remarks"] == ["Databento names no raw symbol that day for 1 instruments: 99"]


@pytest.mark.parametrize(
    ("stype_in", "symbol"),
    [("raw_symbol", "XXH4"), ("continuous", "XX.c.0"), ("parent", "XX.FUT"), ("instrument_id", "4")],
)
def test_a_symbol_that_stands_for_nothing_is_named_before_anything_is_bought(
    market: DatabentoApi, workdir: Path, stype_in: str, symbol: str
) -> None:
    market.offer("trades", symbol, DAY, Offer(files.trades(DAY, 10, symbol), 10))
    with pytest.raises(UnclearSymbol, match=f"the symbol {symbol} .*stands for no instrument that day"):
        bought(source(market, stype_in=stype_in, symbol=symbol), symbol, workdir)
    assert not market.asked(STREAM) + market.asked(COST) + market.asked(COUNT)
    assert list(workdir.iterdir()) == []


@pytest.mark.parametrize("day", [LISTED - dt.timedelta(days=1), LAPSED])
def test_the_day_before_an_interval_and_its_end_are_not_part_of_it(
    market: DatabentoApi, workdir: Path, day: dt.date
) -> None:
    market.offer("trades", SYMBOL, day, Offer(files.trades(day, 10), 10))
    with pytest.raises(UnclearSymbol, match=f"on {day.isoformat()}.*stands for no instrument"):
        bought(source(market), SYMBOL, workdir, day)


@pytest.mark.parametrize(
    ("stype_in", "symbol"), [("raw_symbol", SYMBOL), ("continuous", CONTINUOUS), ("instrument_id", NUMBER)]
)
def test_a_symbol_that_stands_for_two_where_one_is_meant_is_named(
    market: DatabentoApi, workdir: Path, stype_in: str, symbol: str
) -> None:
    market.symbology.lists(SYMBOL, 8, LISTED, LAPSED)
    market.symbology.lists("ESZ9", files.INSTRUMENT, LISTED, LAPSED)
    market.symbology.rolls(CONTINUOUS, 8, LISTED, LAPSED)
    market.symbology.rolls(CONTINUOUS, files.INSTRUMENT, LISTED, LAPSED)
    with pytest.raises(UnclearSymbol, match=f"the symbol {symbol} stands for several instruments that day"):
        bought(source(market, stype_in=stype_in, symbol=symbol), symbol, workdir)
    assert market.asked(STREAM) == []


def test_the_resolution_is_landed_in_the_same_bytes_each_time(market: DatabentoApi, workdir: Path) -> None:
    first = {file.name: file.path.read_bytes() for file in bought(source(market), SYMBOL, workdir)}
    again = {file.name: file.path.read_bytes() for file in bought(source(market), SYMBOL, workdir)}
    assert first == again
    assert json.loads(first[MEANT]) == {
        "stype_in": "raw_symbol",
        "symbol": "ESH4",
        "day": "2024-01-15",
        "instruments": {"17077": "ESH4"},
    }


def test_what_a_file_says_itself_goes_first(market: DatabentoApi, workdir: Path) -> None:
    offer(market, SYMBOL, "raw_symbol", [files.INSTRUMENT, 5])
    vendor = source(market)
    brought = bought(vendor, SYMBOL, workdir)
    said = next(file.path for file in brought if file.name == MEANT)
    known = {"17077": "OTHER", "5": "FIVE"}
    resolution.write(resolution.Resolution("raw_symbol", SYMBOL, "2024-01-15", known), said.parent)
    assert symbols_of(vendor, SYMBOL, brought) == ["ESH4", "ESH4"]
    offer(market, SYMBOL, "raw_symbol", [files.INSTRUMENT, 5], mappings={SYMBOL: [(DAY, NEXT, "17077")]})
    (workdir / "trades.dbn.zst").write_bytes(market.offered(_form())[0].content)
    assert symbols_of(vendor, SYMBOL, brought) == ["ESH4", "FIVE"]


def _form() -> dict[str, str]:
    return {"dataset": "GLBX.MDP3", "schema": "trades", "symbols": SYMBOL, "start": "2024-01-15", "end": "2024-01-16"}


def test_what_was_landed_without_a_resolution_is_still_read(market: DatabentoApi, workdir: Path) -> None:
    market.symbology.rolls(CONTINUOUS, files.INSTRUMENT, LISTED, LAPSED)
    offer(market, CONTINUOUS, "continuous", [files.INSTRUMENT])
    vendor = source(market, stype_in="continuous", symbol=CONTINUOUS)
    old = [file for file in bought(vendor, CONTINUOUS, workdir) if file.name != MEANT]
    assert [file.name for file in old] == ["trades.dbn.zst", FACTS]
    assert symbols_of(vendor, CONTINUOUS, old) == [None]
    assert vendor.notes(request(vendor_symbol=CONTINUOUS), old) == {"condition": "available", "remarks": []}
    assert vendor.expected(request(vendor_symbol=CONTINUOUS), old) == 1


def test_of_many_instruments_only_the_number_is_noted(market: DatabentoApi, workdir: Path) -> None:
    for number in range(1, 25):
        market.symbology.lists(f"ES{number}", number, LISTED, LAPSED, parent=PARENT)
    offer(market, PARENT, "parent", [1])
    vendor = source(market, stype_in="parent", symbol=PARENT)
    notes = vendor.notes(request(vendor_symbol=PARENT), bought(vendor, PARENT, workdir))
    assert notes == {"condition": "available", "remarks": [], "symbology": 25}


def test_a_resolution_costs_nothing_where_the_day_is_not_there_yet(market: DatabentoApi, workdir: Path) -> None:
    market.conditions["2024-01-15"] = "pending"
    with pytest.raises(Exception, match="pending"):
        bought(source(market), SYMBOL, workdir)
    assert market.asked(RESOLVE) == []


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (body(b"[]"), VendorUnavailable, "the answer is no resolution"),
        (body(b'{"result": {"ESH4": [{"d0": 1}]}}'), VendorUnavailable, "the answer is no resolution"),
        (status(422, "no such symbology"), VendorRefused, "no such symbology"),
        (status(500), VendorUnavailable, "tries: 3"),
    ],
)
def test_an_answer_that_is_no_resolution_is_said(
    market: DatabentoApi, workdir: Path, fault: Fault, error: type[Exception], words: str
) -> None:
    market.fail(RESOLVE, fault, times=20)
    with pytest.raises(error, match=words):
        bought(source(market), SYMBOL, workdir)
    assert market.asked(STREAM) == []


def test_a_definition_keeps_its_own_symbol(market: DatabentoApi, workdir: Path) -> None:
    made = files.records("definition", 1, ts_recv=files.day_start(DAY), raw_symbol=b"ESH4 own", instrument_class=b"F")
    head = files.head("definition", DAY, stype_in="instrument_id", symbols=[NUMBER])
    market.offer("definition", NUMBER, DAY, Offer(files.streamed(head, made), 1))
    vendor = source(market, stype_in="instrument_id", symbol=NUMBER, schemas=("definition",))
    asked = request("instruments", vendor_symbol=NUMBER)
    (batch,) = vendor.decode(asked, landed(list(vendor.fetch(asked, at(workdir)))))
    assert batch.frame["raw_symbol"].to_list() == ["ESH4 own"]
