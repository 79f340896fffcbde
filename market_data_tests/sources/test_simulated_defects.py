"""The simulated exchange's defects against their table: what each breaks, and what it leaves alone."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from market_data.domain.time import day_bounds
from market_data.sources.simulated.options import ALL_DEFECTS
from market_data_tests.sources.simulated_case import (
    DAY,
    ILLIQUID,
    MIDDLING,
    accepted,
    batches,
    exchange,
    frame,
    landed,
    request,
    text_lines,
)


def test_all_defects_leave_the_account_that_their_table_states(tmp_path: Path) -> None:
    clean = frame(exchange(), request("trades"), tmp_path)
    source, wanted = exchange(defects=True), request("trades")
    sent = batches(source, wanted, tmp_path)
    rows = pl.concat([batch.frame for batch in sent])
    [path] = [path for path in tmp_path.iterdir() if "trades" in path.name]
    assert rows.height == clean.height + 25 + 3 - 5
    assert source.expected(wanted, [landed(path)]) == clean.height + 25 + 3
    faults = Counter(fault.rule for batch in sent for fault in batch.faults)
    assert faults == {"price_is_readable": 2, "fields_are_complete": 2}
    ids = set(clean["trade_id"]) - set(rows["trade_id"].drop_nulls())
    assert len(ids) == 5 + 2  # the gap, and the ids on lines that were cut


@pytest.mark.parametrize("symbol", [MIDDLING, ILLIQUID])
@pytest.mark.parametrize(
    ("defect", "expected"),
    [
        ("impossible", {"price_is_positive": 2, "size_is_not_negative": 2}),
        ("wrong_day", {"inside_the_partition_day": 2}),
        ("unreadable", {"price|nullability": 4, "size|nullability": 2, "trade_id|nullability": 2}),
        ("outlier", {}),
        ("late_clock", {}),
        ("id_gap", {}),
    ],
)
def test_a_defect_breaks_the_contract_as_often_as_its_table_says(
    symbol: str, defect: str, expected: dict[str, int], tmp_path: Path
) -> None:
    _, broken = accepted(exchange(defects=(defect,)), request("trades", symbol), tmp_path)
    assert expected.items() <= broken.items()
    assert bool(broken) == bool(expected)


@pytest.mark.parametrize("symbol", [MIDDLING, ILLIQUID])
def test_repeats_are_whole_pages_or_disagree(symbol: str, tmp_path: Path) -> None:
    clean = frame(exchange(), request("trades", symbol), tmp_path).drop("ordinal")
    paged = frame(exchange(defects=("repeated_page",)), request("trades", symbol), tmp_path).drop("ordinal")
    assert paged.height == clean.height + 25
    assert paged.unique(maintain_order=True).equals(clean)
    torn = frame(exchange(defects=("conflicting_repeat",)), request("trades", symbol), tmp_path).drop("ordinal")
    assert torn.unique().height == torn.height == clean.height + 3
    assert torn.unique("trade_id", keep="first", maintain_order=True).equals(clean)


@pytest.mark.parametrize("symbol", [MIDDLING, ILLIQUID])
def test_defects_that_stay_are_where_they_are_said_to_be(symbol: str, tmp_path: Path) -> None:
    source = exchange(defects=("outlier", "late_clock", "crossed_quotes"))
    clean = frame(exchange(), request("trades", symbol), tmp_path)
    trades = frame(source, request("trades", symbol), tmp_path)
    quotes = frame(source, request("quotes", symbol), tmp_path)
    assert (trades["ts_recv"] < trades["ts_event"]).sum() == 5
    dearer = [(new, old) for new, old in zip(trades["price"], clean["price"], strict=True) if new != old]
    assert len(dearer) == 2
    assert all(abs(new / old - Decimal("1.1")) < Decimal("0.0001") for new, old in dearer)
    assert (quotes["bid_price"] > quotes["ask_price"]).sum() == 5


@pytest.mark.parametrize("symbol", [MIDDLING, ILLIQUID])
def test_wrong_candles_pass_the_contract_and_differ_from_the_clean_ones(symbol: str, tmp_path: Path) -> None:
    wanted = request("vendor_candles", symbol)
    clean = frame(exchange(), wanted, tmp_path)
    source = exchange(defects=("wrong_candle",))
    spoiled = frame(source, wanted, tmp_path)
    assert accepted(source, wanted, tmp_path)[1] == {}
    assert (spoiled["high"] < spoiled["close"]).sum() == 2
    assert (spoiled["volume"] != clean["volume"]).sum() == 2
    assert sum(new != old for new, old in zip(spoiled.rows(), clean.rows(), strict=True)) == 4


def test_other_defects_leave_the_vendors_candles_alone(tmp_path: Path) -> None:
    wanted, others = request("vendor_candles"), tuple(name for name in ALL_DEFECTS if name != "wrong_candle")
    assert frame(exchange(defects=others), wanted, tmp_path).equals(frame(exchange(), wanted, tmp_path))


def test_each_defect_strikes_the_same_records_whatever_others_are_asked_for(tmp_path: Path) -> None:
    wanted = request("trades")
    alone = frame(exchange(defects=("wrong_day",)), wanted, tmp_path)
    together = frame(exchange(defects=True), wanted, tmp_path)
    late = pl.col("ts_event") >= day_bounds(DAY)[1]
    assert together.filter(late)["trade_id"].to_list() == alone.filter(late)["trade_id"].to_list()


def test_a_day_of_few_trades_takes_fewer_defects(tmp_path: Path) -> None:
    source = exchange(defects=True, trades_per_day={ILLIQUID: 5})
    rows, broken = accepted(source, request("trades", ILLIQUID), tmp_path)
    assert broken == {}
    assert rows.height > 0


def test_what_is_set_aside_is_shown_as_the_vendor_wrote_it(tmp_path: Path) -> None:
    source, wanted = exchange(defects=("unreadable",)), request("trades")
    [batch] = batches(source, wanted, tmp_path)
    [path] = tmp_path.iterdir()
    lines = text_lines(path)[2:-1]
    for fault in batch.faults:
        original = batch.original(fault.row)
        written = original.get("line") or ",".join(original.values())
        assert written == lines[batch.first_record + fault.row]
    assert [batch.original(fault.row).get("price") for fault in batch.faults] == ["n/a", None, "n/a", None]
