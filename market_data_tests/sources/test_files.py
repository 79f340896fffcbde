"""Files of an unknown vendor, told by options alone: every format and unit, what does not fit, and the whole way."""

import datetime as dt
import gzip
import json
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import zstandard
from pydantic import ValidationError

from market_data.domain.contract import polars_schema
from market_data.domain.errors import BadFile, ConfigurationError, NotAvailable
from market_data.domain.partition import Partition
from market_data.domain.ports.source import Batch, Fetched, Request
from market_data.pipeline.fetch import land
from market_data.pipeline.ingest import ingest
from market_data.pipeline.workspace import opened
from market_data.sources.files import Files
from market_data.sources.files.options import FilesOptions
from market_data_tests.feeds import settings_of
from market_data_tests.fetching import at, landed, left
from market_data_tests.vendors.binance_files import zip_of

DAY = dt.date(2024, 3, 4)
START = 1_709_510_400_000_000_000
COLUMNS: dict[str, Any] = {
    "ts_event": {"from": "Time", "unit": "ms"},
    "trade_id": "No",
    "price": "Px",
    "size": "Qty",
    "side": {"from": "Taker", "words": {"B": "buy", "S": "sell", "?": None}},
}
TRADES: dict[str, Any] = {"format": "csv", "columns": COLUMNS}
HEADER = "No,Time,Extra,Qty,Px,Taker"
LINES = ["7,1709510400123,x,0.25,58101.5,B", "8,1709510400980,,1e-3,58101,S", "9,1709510461007,,2,58102.50,?"]
EXPECTED = [
    (START + 123_000_000, None, "7", Decimal("58101.5"), Decimal("0.25"), "buy"),
    (START + 980_000_000, None, "8", Decimal(58101), Decimal("0.001"), "sell"),
    (START + 61_007_000_000, None, "9", Decimal("58102.5"), Decimal(2), None),
]


def source(**options: Any) -> Files:
    return Files(FilesOptions.model_validate({**TRADES, **options}), {"BTC-EUR": "btceur"}, Path("unused"))


def request(table: str = "trades", day: dt.date = DAY) -> Request:
    return Request(table, Partition("acme", day, "BTC-EUR"), "btceur")


def decoded(path: Path, **options: Any) -> list[Batch]:
    wanted = request(options.get("table", "trades"))
    return list(source(**options).decode(wanted, landed([Fetched(path, path.name, "here")])))


def csv(lines: list[str] = LINES, header: str | None = HEADER) -> bytes:
    return "".join(f"{line}\n" for line in ([header] if header else []) + lines).encode()


def put(folder: Path, content: bytes, name: str = "day.csv") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def objects() -> list[dict[str, str]]:
    return [dict(zip(HEADER.split(","), line.split(","), strict=True)) for line in LINES]


FORMATS: Mapping[str, bytes] = {
    "csv": csv(),
    "jsonl": b"".join(json.dumps(each).encode() + b"\n" for each in objects()),
    "json_array": json.dumps(objects(), indent=1).encode(),
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("packing", ["plain", "gzip", "zstd", "zip"])
def test_a_file_is_rows_whatever_its_format_and_packing(tmp_path: Path, form: str, packing: str) -> None:
    content = FORMATS[form]
    packed = {
        "plain": content,
        "gzip": gzip.compress(content),
        "zstd": zstandard.compress(content),
        "zip": zip_of({"any.csv": content}),
    }[packing]
    path = put(tmp_path, packed)
    (batch,) = decoded(path, format=form)
    expected = polars_schema(source().delivery("trades").schema)
    assert dict(batch.frame.schema) == {name: kind for name, kind in expected.items() if name != "ordinal"}
    assert (batch.frame.rows(), batch.faults) == (EXPECTED, [])
    assert batch.original(0)["Extra"] == "x"
    (verified,) = source(format=form).verify(request(), [path])
    assert (verified.path, verified.name) == (path, "day.csv")


def test_a_csv_without_names_is_told_them(tmp_path: Path) -> None:
    (batch,) = decoded(put(tmp_path, csv(header=None)), names=HEADER.split(","))
    assert batch.frame.rows() == EXPECTED


@pytest.mark.parametrize(
    ("unit", "text", "ns"),
    [
        ("s", "1709510400.000000001", 1),
        ("s", "1709510400", 0),
        ("ms", "1709510400000.5", 500_000),
        ("us", "1709510400000001", 1_000),
        ("ns", "1709510400000000001", 1),
        ("iso8601", "2024-03-04T00:00:00.000000001Z", 1),
        ("iso8601", "2024-03-04 01:00:00+01:00", 0),
    ],
)
def test_a_time_is_read_by_its_unit(tmp_path: Path, unit: str, text: str, ns: int) -> None:
    columns = {**COLUMNS, "ts_event": {"from": "Time", "unit": unit}}
    path = put(tmp_path, csv([f"7,{text},,1,1,B"]))
    (batch,) = decoded(path, columns=columns)
    assert (batch.frame["ts_event"][0], batch.faults) == (START + ns, [])


def test_what_cannot_be_read_is_a_fault_and_every_record_is_accounted_for(tmp_path: Path) -> None:
    wrong = ["10,x,,1,1,B", "11,1709510400000,,1,0.1234567891,B", "12,1709510400000,,1,1,buyer", "13,,"]
    lines = [*LINES, *wrong, "14,1709510400000,,1,,B"]
    (batch,) = decoded(put(tmp_path, csv(lines)))
    assert batch.frame.height == 8
    assert [(fault.row, fault.reason) for fault in batch.faults] == [
        (3, "Time is not a number: 'x'"),
        (4, "Px does not fit: '0.1234567891'"),
        (5, "Taker is 'buyer', and words has B, S, ?"),
        (6, "3 fields where 6 belong"),
        (7, "Px is empty"),
    ]


def test_other_tables_have_their_instrument_and_values_that_are_the_same_in_every_row(tmp_path: Path) -> None:
    columns = {
        "kind": {"value": "time"},
        "timeframe": {"value": "1m"},
        "ts_open": {"from": "t", "unit": "s"},
        **{name: name[0] for name in ("open", "high", "low", "close")},
    }
    path = put(tmp_path, b"t,o,h,l,c\n1709510400,1,3,0.5,2\n")
    (batch,) = decoded(path, table="vendor_candles", columns=columns)
    row = batch.frame.row(0, named=True)
    assert (row["kind"], row["timeframe"], row["instrument_id"], row["ts_open"]) == ("time", "1m", "btceur", START)
    assert (row["high"], row["volume"]) == (3, None)
    assert source(table="vendor_candles", columns=columns).delivery("vendor_candles").clock == "ts_open"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"columns": {**COLUMNS, "prize": "x"}},
            r"options\.columns\.prize: trades has no such column; it has ts_event",
        ),
        ({"columns": {**COLUMNS, "ordinal": "x"}}, r"options\.columns\.ordinal: trades has no such column"),
        ({"columns": {**COLUMNS, "ts_event": "Time"}}, r"columns\.ts_event: is a time, and needs its unit"),
        ({"columns": {**COLUMNS, "price": {"from": "Px", "unit": "s"}}}, r"columns\.price: is no time"),
        ({"columns": {**COLUMNS, "price": {"value": "1"}}}, r"columns\.price: is no text"),
        ({"columns": {"ts_event": COLUMNS["ts_event"], "price": "Px"}}, "trades cannot be without size"),
        ({"clock": "price"}, r"options\.clock: price is no time of trades; it has ts_event, ts_recv"),
        ({"clock": "ts_recv"}, "has no ts_recv, of which clock or identity speak"),
        ({"identity": ["id"]}, "has no id, of which clock or identity speak"),
        ({"table": "quotes"}, "its options are of quotes, and trades was asked for"),
    ],
)
def test_options_that_do_not_fit_the_table_are_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    path = put(tmp_path, csv())
    vendor = source(**changes)
    for call in (lambda: vendor.delivery("trades"), lambda: vendor.verify(request(), [path])):
        with pytest.raises(ConfigurationError, match=words):
            call()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": "xml"}, "'csv', 'jsonl' or 'json_array'"),
        ({"columns": {}}, "at least 1"),
        ({"columns": {"price": {}}}, "either `from`"),
        ({"columns": {"price": {"from": "a", "value": "b"}}}, "either `from`"),
        ({"columns": {"side": {"value": "b", "words": {"a": "b"}}}}, "neither `unit` nor `words`"),
        ({"columns": {"price": "a", "size": "a"}}, "each of the vendor's columns once, not a"),
        ({"columns": {"price": {"form": "a"}}}, "Extra inputs"),
        ({"path": "data/{symbol}"}, "must be an absolute path"),
        ({"path": "/data/{ticker}"}, "no other braces than {symbol}, {date}"),
        ({"path": "/data/{"}, "no other braces"),
        ({"format": "jsonl", "names": ["a"]}, "names are for csv only"),
        ({"table": "candles"}, "'trades'"),
    ],
)
def test_wrong_options_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        source(**changes)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (gzip.compress(csv())[:-4], "is no whole gzip file"),
        (b"<html>no</html>\n", "has the columns <html>no</html>, where Time, No, Px, Qty, Taker should stand once"),
        (csv(["7,1709683200000,,1,1,B"]), "of 2024-03-04: its first is of 2024-03-06 00:00:00 UTC by ts_event"),
        (csv(["7,1709510400,,1,1,B"]), "its first is of 1970-01-20"),
        (csv(["7,x,,1,1,B"]), "no good record of 2024-03-04: record 0 has the fault: Time is not a number: 'x'"),
    ],
)
def test_a_file_that_is_not_what_the_feed_says_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = put(tmp_path, content)
    with pytest.raises(BadFile, match=words) as raised:
        source().verify(request(), [path])
    assert str(raised.value).startswith("day.csv ")


def test_a_day_without_records_is_taken(tmp_path: Path) -> None:
    path = put(tmp_path, csv([]))
    assert source().verify(request(), [path])
    assert sum(batch.frame.height for batch in decoded(path)) == 0


def test_a_single_bad_record_does_not_refuse_a_file(tmp_path: Path) -> None:
    assert source().verify(request(), [put(tmp_path, csv(["1,x,,1,1,B", *LINES]))])


def test_several_files_none_and_an_absent_one_are_refused(tmp_path: Path) -> None:
    path = put(tmp_path, csv())
    for paths, words in (
        ([path, path], "expected one file"),
        ([], "was given nothing"),
        ([tmp_path / "x"], "is no file"),
    ):
        with pytest.raises(BadFile, match=words):
            source().verify(request(), paths)


@pytest.mark.parametrize(
    ("path", "where"),
    [("{symbol}/{date}.csv", "btceur/2024-03-04.csv"), ("{year}/{month}/{day}/x y.csv", "2024/03/04/x y.csv")],
)
def test_a_run_finds_a_days_file_and_leaves_it(tmp_path: Path, workdir: Path, path: str, where: str) -> None:
    file = put(tmp_path, csv(), where)
    (fetched,) = source(path=f"{tmp_path}/{path}").fetch(request(), at(workdir))
    assert (fetched.path.read_bytes(), fetched.name) == (csv(), Path(where).name.replace(" ", "-"))
    assert file.exists()
    assert left(workdir) == [fetched.name]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "market-data land acme trades BTC-EUR 2024-03-04 FILE"),
        ({"path": "/nowhere/{symbol}.csv"}, "there is no file /nowhere/btceur.csv"),
    ],
)
def test_a_run_without_a_file_says_what_to_do(workdir: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(NotAvailable, match=words):
        source(**options).fetch(request(), at(workdir))


def test_an_unknown_vendors_day_goes_the_whole_way_and_every_record_is_accounted_for(tmp_path: Path) -> None:
    lines = [*LINES, LINES[2], "10,x,,1,1,B", "11,1709683200000,,1,1,B"]
    path = put(tmp_path, gzip.compress(csv(lines)))
    stanza = {
        "source": "files",
        "symbols": {"BTC-EUR": "btceur"},
        "tables": ["trades"],
        "start": DAY.isoformat(),
        "options": {**TRADES, "identity": ["trade_id"]},
    }
    with opened(settings_of(tmp_path, {"acme": stanza})) as workspace:
        feed = workspace.feed("acme")
        partition = feed.partition("BTC-EUR", DAY)
        land(workspace, feed, feed.request("trades", partition), [path])
        account = ingest(workspace, feed, "trades", partition).revision.account
    assert (account.records, account.accepted, account.deduplicated, account.rejected) == (6, 3, 1, 2)
    assert account.adds_up


def test_every_table_that_it_lists_is_one() -> None:
    from market_data.domain.tables import BOOKKEEPING, DERIVED, table_names

    assert set(Files.tables) == set(table_names()) - set(DERIVED) - set(BOOKKEEPING)


def test_importing_and_constructing_it_is_light() -> None:
    code = (
        "import sys; from market_data.sources.files import SOURCE;"
        "SOURCE(SOURCE.Options(format='csv', columns={'price': 'p'}), {'A': 'A'}, None);"
        "heavy = {'polars', 'dataframely', 'httpx', 'pyarrow', 'ijson'} & sys.modules.keys();"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
