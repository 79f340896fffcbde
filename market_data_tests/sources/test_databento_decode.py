"""Databento's files as rows: made ones, field by field, and which symbol an id stood for."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from market_data.domain.contract import polars_schema
from market_data.domain.time import day_start
from market_data.sources.databento import schemas
from market_data_tests.sources.dbn_case import DAY, START, made, only, rejected, tick
from market_data_tests.vendors import dbn_files as files

UNDEF_PRICE, UNDEF_TIME = 2**63 - 1, 2**64 - 1


# --- made files, field by field -------------------------------------------------------------------


@pytest.mark.parametrize("version", files.VERSIONS)
def test_a_trade_has_every_column_exactly_in_every_version(tmp_path: Path, version: int) -> None:
    fields = tick(
        price=123_456_789_012_345_678,
        size=7,
        flags=130,
        sequence=2**32 - 2,
        ts_in_delta=-5,
    )
    batch = only(made(tmp_path, "trades", version, **fields), "trades")
    assert batch.frame.row(0, named=True) == {
        "ts_event": START + 1,
        "ts_recv": START + 2,
        "trade_id": None,
        "price": Decimal("123456789.012345678"),
        "size": Decimal(7),
        "side": "sell",
        "publisher_id": 1,
        "instrument_id": "17077",
        "raw_symbol": "ESH4",
        "sequence": 2**32 - 2,
        "flags": 130,
        "ts_in_delta": -5,
    }
    assert batch.original(0)["price"] == 123_456_789_012_345_678
    assert batch.original(0)["side"] == "A"


@pytest.mark.parametrize(("letter", "side"), [(b"A", "sell"), (b"B", "buy"), (b"N", None), (b"", None)])
def test_the_side_is_the_aggressors(tmp_path: Path, letter: bytes, side: str | None) -> None:
    assert only(made(tmp_path, "trades", **tick(side=letter)), "trades").frame["side"].to_list() == [side]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(price=st.integers(-(2**63), 2**63 - 1))
def test_a_price_is_exact_or_undefined_or_a_fault(tmp_path: Path, price: int) -> None:
    batch = only(made(tmp_path, "trades", **tick(price=price)), "trades")
    fits, undefined = abs(price) < 10**18, price == UNDEF_PRICE
    assert batch.frame["price"].to_list() == [Decimal(price).scaleb(-9) if fits else None]
    assert len(batch.faults) == (not fits and not undefined)


def test_a_price_that_does_not_fit_is_a_fault_with_its_value(tmp_path: Path) -> None:
    (fault,) = only(made(tmp_path, "trades", **tick(price=10**18 + 1)), "trades").faults
    assert (fault.row, fault.rule, fault.reason) == (0, "price_fits", "price does not fit: 1000000000.000000001")


def test_crude_oil_below_zero_is_kept(tmp_path: Path) -> None:
    batch = only(made(tmp_path, "trades", **tick(price=-37_630_000_000)), "trades")
    assert batch.frame["price"].to_list() == [Decimal("-37.63")]
    assert not batch.faults
    assert rejected(batch, "trades") == {}


@pytest.mark.parametrize(
    ("dataset", "broken"),
    [("XNAS.ITCH", {"price_is_positive": 2}), ("OPRA.PILLAR", {"price_is_positive": 2}), ("GLBX.MDP3", {})],
)
def test_a_share_or_option_has_no_price_below_zero(tmp_path: Path, dataset: str, broken: dict[str, int]) -> None:
    content = files.records("trades", 3, **tick(price=[10**9, -1, 0])).tobytes()
    path = files.write(tmp_path / "trades.dbn.zst", files.head("trades", DAY, dataset=dataset), content)
    batch = only(path, "trades")
    assert not batch.faults
    assert rejected(batch, "trades", dataset=dataset) == broken


@pytest.mark.parametrize(
    ("dataset", "broken"),
    [("XNAS.ITCH", {"bid_is_not_negative": 1, "ask_is_not_negative": 1}), ("GLBX.MDP3", {})],
)
def test_a_share_has_no_quote_below_zero(tmp_path: Path, dataset: str, broken: dict[str, int]) -> None:
    prices = {"bid_px_00": [0, -1, UNDEF_PRICE], "ask_px_00": [1, -1, UNDEF_PRICE]}
    content = files.records("tbbo", 3, **tick(**prices)).tobytes()
    path = files.write(tmp_path / "tbbo.dbn.zst", files.head("tbbo", DAY, dataset=dataset), content)
    assert rejected(only(path, "quotes"), "quotes", dataset=dataset) == broken


@pytest.mark.parametrize("table", ["trades", "quotes"])
def test_contracts_of_either_sign_have_the_same_columns(table: str) -> None:
    signed, unsigned = (schemas.delivery(table, dataset).schema for dataset in ("GLBX.MDP3", "XNAS.ITCH"))
    assert signed is not unsigned
    assert list(polars_schema(signed).items()) == list(polars_schema(unsigned).items())
    nullable = [{name: column.nullable for name, column in kind.columns().items()} for kind in (signed, unsigned)]
    assert nullable[0] == nullable[1]


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("price", UNDEF_PRICE, "price|nullability"),
        ("size", 2**32 - 1, "size|nullability"),
        ("ts_event", UNDEF_TIME, "ts_event|nullability"),
        ("ts_recv", UNDEF_TIME, "ts_recv|nullability"),
        ("ts_recv", START - 1, "inside_the_partition_day"),
        ("ts_recv", day_start(DAY + dt.timedelta(days=1)), "inside_the_partition_day"),
    ],
)
def test_a_trade_without_what_it_needs_breaks_the_contract(tmp_path: Path, field: str, value: int, rule: str) -> None:
    batch = only(made(tmp_path, "trades", **tick(**{field: value})), "trades")
    assert rejected(batch, "trades") == {rule: 1}


def test_an_undefined_delta_is_null(tmp_path: Path) -> None:
    batch = only(made(tmp_path, "trades", **tick(ts_in_delta=2**31 - 1)), "trades")
    assert batch.frame["ts_in_delta"].to_list() == [None]


def test_a_time_beyond_int64_is_a_fault(tmp_path: Path) -> None:
    (fault,) = only(made(tmp_path, "trades", **tick(ts_event=2**63)), "trades").faults
    assert (fault.rule, fault.reason) == ("ts_event_fits", "ts_event does not fit: 9223372036854775808")


def test_one_record_with_two_troubles_is_one_fault(tmp_path: Path) -> None:
    batch = only(made(tmp_path, "trades", **tick(ts_event=2**63, price=10**18)), "trades")
    assert [fault.rule for fault in batch.faults] == ["price_fits"]


def test_a_book_with_an_empty_side_is_a_quote(tmp_path: Path) -> None:
    fields = tick(bid_px_00=UNDEF_PRICE, ask_px_00=-5 * 10**8, ask_sz_00=3, ask_ct_00=2)
    batch = only(made(tmp_path, "tbbo", **fields), "quotes")
    row = batch.frame.row(0, named=True)
    assert (row["bid_price"], row["ask_price"], row["ask_size"], row["ask_count"]) == (None, Decimal("-0.5"), 3, 2)
    assert (row["action"], row["side"], row["price"], row["size"]) == ("T", "sell", 1, 1)
    assert rejected(batch, "quotes") == {}


def test_an_interval_before_the_first_trade_has_a_quote(tmp_path: Path) -> None:
    fields = tick(ts_event=UNDEF_TIME, price=UNDEF_PRICE, side=b"N", bid_px_00=10**9, ask_px_00=10**9)
    batch = only(made(tmp_path, "bbo-1s", **{name: fields[name] for name in fields.keys() - {"action"}}), "quotes")
    row = batch.frame.row(0, named=True)
    assert (row["ts_event"], row["price"], row["action"], row["bid_price"]) == (None, None, None, 1)
    assert rejected(batch, "quotes") == {}


@pytest.mark.parametrize(("version", "undefined"), [(1, 2**31 - 1), (2, 2**31 - 1), (3, 2**63 - 1)])
def test_statistics_are_named_and_what_is_undefined_is_null(tmp_path: Path, version: int, undefined: int) -> None:
    fields: dict[str, Any] = {
        "ts_event": START,
        "ts_recv": START,
        "ts_ref": [START, UNDEF_TIME, 5],
        "stat_type": [3, 9, 10_777],
    }
    fields |= {"price": [-(10**9), UNDEF_PRICE, 1], "quantity": [undefined, 42, -1]}
    batch = only(made(tmp_path, "statistics", version, 3, **fields), "statistics")
    assert batch.frame.select("stat_type", "price", "quantity", "ts_ref").rows() == [
        ("settlement_price", Decimal(-1), None, START),
        ("open_interest", None, Decimal(42), None),
        ("10777", Decimal("1E-9"), Decimal(-1), 5),
    ]
    assert rejected(batch, "statistics") == {}


def test_a_bar_is_stamped_at_its_open_and_has_what_the_vendor_publishes(tmp_path: Path) -> None:
    prices = {"open": 2 * 10**9, "high": 3 * 10**9, "low": -(10**9), "close": 1}
    path = made(tmp_path, "ohlcv-1m", ts_event=START + 60 * 10**9, volume=2**64 - 2, **prices)
    batch = only(path, "vendor_candles")
    assert batch.frame.row(0, named=True) == {
        "kind": "time",
        "timeframe": "1m",
        "instrument_id": "17077",
        "publisher_id": 1,
        "ts_open": START + 60 * 10**9,
        "open": Decimal(2),
        "high": Decimal(3),
        "low": Decimal(-1),
        "close": Decimal("1E-9"),
        "volume": Decimal(2**64 - 2),
        "quote_volume": None,
        "vwap": None,
        "trade_count": None,
        "raw_symbol": "ESH4",
    }
    assert rejected(batch, "vendor_candles") == {}


@pytest.mark.parametrize("version", files.VERSIONS)
@pytest.mark.parametrize(
    ("letter", "security_type", "kind"),
    [
        (b"F", b"FUT", "future"),
        (b"C", b"OPT", "option"),
        (b"S", b"", "spread"),
        (b"K", b"", "equity"),
        (b"", b"FUT", "future"),
    ],
)
def test_a_definition_is_an_instrument_in_every_version(
    tmp_path: Path, version: int, letter: bytes, security_type: bytes, kind: str
) -> None:
    fields: dict[str, Any] = {
        "instrument_class": letter,
        "security_type": security_type,
        "raw_symbol": b"ESH4",
        "currency": b"USD",
    }
    fields |= {"ts_event": UNDEF_TIME, "ts_recv": START, "expiration": UNDEF_TIME, "activation": 5}
    fields |= {"min_price_increment": 250_000_000, "unit_of_measure_qty": 50 * 10**9, "strike_price": UNDEF_PRICE}
    batch = only(made(tmp_path, "definition", version, **fields, contract_multiplier=2**31 - 1), "instruments")
    row = batch.frame.row(0, named=True)
    assert (row["instrument_id"], row["raw_symbol"], row["kind"], row["quote"]) == ("17077", "ESH4", kind, "USD")
    assert (row["tick_size"], row["contract_size"], row["strike_price"]) == (Decimal("0.25"), 50, None)
    assert (row["expiry"], row["activation"], row["contract_multiplier"], row["leg_index"]) == (None, 5, None, 0)
    assert rejected(batch, "instruments") == {}


def test_a_spreads_legs_are_rows_of_their_own(tmp_path: Path) -> None:
    fields: dict[str, Any] = {
        "instrument_class": b"S",
        "raw_symbol": b"ESH4-ESM4",
        "ts_recv": START,
        "leg_count": 2,
        "leg_index": [0, 1],
    }
    fields |= {"leg_instrument_id": [7, 8], "leg_raw_symbol": [b"ESH4", b"ESM4"], "leg_side": [b"B", b"A"]}
    rows = only(made(tmp_path, "definition", 3, 2, **fields), "instruments").frame
    legs = rows.select("leg_index", "leg_instrument_id", "leg_raw_symbol", "leg_side").rows()
    assert legs == [(0, "7", "ESH4", "buy"), (1, "8", "ESM4", "sell")]
    assert rows.is_duplicated().any() is False
    assert rows.select(schemas.delivery("instruments", "GLBX.MDP3").identity).n_unique() == 2


def test_what_is_no_kind_of_instrument_here_goes_to_quarantine(tmp_path: Path) -> None:
    path = made(tmp_path, "definition", ts_recv=START, instrument_class=b"B", raw_symbol=b"BOND")
    assert rejected(only(path, "instruments"), "instruments") == {"kind|nullability": 1}


# --- which symbol an id stood for -----------------------------------------------------------------


def symbols_of(folder: Path, ids: list[int], **asked: Any) -> list[str | None]:
    content = files.records("trades", len(ids), **tick(instrument_id=ids)).tobytes()
    path = files.write(folder / "trades.dbn.zst", files.head("trades", DAY, **asked), content)
    return only(path, "trades").frame["raw_symbol"].to_list()


def test_an_intervals_end_is_not_part_of_it_and_ids_are_reused(tmp_path: Path) -> None:
    before, after = DAY - dt.timedelta(days=1), DAY + dt.timedelta(days=1)
    mappings = {
        "OLD": [(before, DAY, "1")],
        "NOW": [(DAY, after, "1"), (after, after + dt.timedelta(days=9), "2")],
        "GONE": [(before, after, "")],
    }
    assert symbols_of(tmp_path, [1, 2, 1], mappings=mappings) == ["NOW", None, "NOW"]


def test_a_parents_children_have_their_own_symbols(tmp_path: Path) -> None:
    day = (DAY, DAY + dt.timedelta(days=1))
    mappings = {"ESH4": [(*day, "1")], "ESM4": [(*day, "2")]}
    asked = {"stype_in": "parent", "symbols": ["ES.FUT"], "mappings": mappings}
    assert symbols_of(tmp_path, [2, 1, 3], **asked) == ["ESM4", "ESH4", None]


@pytest.mark.parametrize(
    ("stype_in", "symbol"),
    [("continuous", "ES.c.0"), ("instrument_id", "17077"), ("parent", "ES.FUT")],
)
def test_what_was_asked_for_is_not_taken_for_a_raw_symbol(tmp_path: Path, stype_in: str, symbol: str) -> None:
    mappings = {symbol: [(DAY, DAY + dt.timedelta(days=1), "17077")]}
    assert symbols_of(tmp_path, [17_077], stype_in=stype_in, symbols=[symbol], mappings=mappings) == [None]
