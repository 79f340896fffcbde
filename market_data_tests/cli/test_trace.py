"""`market-data trace`: where partitions come from, and what was made from bytes that were replaced since."""

import json
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance

from market_data.ledger.ledger import Ledger
from market_data.ledger.spending import Allowance
from market_data.settings import Settings
from market_data_tests.assets.test_versions import CORRECTED, correct, received_later
from market_data_tests.cli.conftest import Home
from market_data_tests.feeds import settings_of, simulated
from market_data_tests.runs import run

PLACE = ("BBB-USD", "2024-01-15")


@pytest.fixture
def traced(tmp_path: Path) -> Home:
    """Two days of a symbol, made in one run."""
    settings = settings_of(
        tmp_path, {"sim": simulated(symbols=["BBB-USD"], options={"seed": 1, "trades_per_day": {"BBB-USD": 60}})}
    )
    assert make(settings, "2024-01-15|BBB-USD", "2024-01-16|BBB-USD")
    return Home(settings)


def make(settings: Settings, first: str, last: str, *tables: str) -> bool:
    with DagsterInstance.ephemeral() as instance:
        return run(settings, instance, first, last, selection=[*tables] or None).success


def trace(home: Home, table: str, *place: str) -> dict[str, Any]:
    return json.loads("\n".join(home.lines("trace", "sim", table, *(place or PLACE), "--json")))


def links(told: list[dict[str, Any]]) -> set[tuple[str, str, int, str]]:
    return {(each["table"], each["date"], each["revision"], each["state"]) for each in told}


def test_a_fetched_table_comes_from_its_landed_files_and_what_was_made_from_it_is_told(traced: Home) -> None:
    told = trace(traced, "trades")
    (file,) = told["landed"]
    assert file["name"] == "BBB-USD-trades-2024-01-15.csv.gz"
    assert (traced.settings.landing / file["path"]).stat().st_size == file["bytes"]
    (revision,) = told["revisions"]
    assert revision["inputs"] == [{"file": file["name"], "sha256": file["sha256"], "origin": file["origin"]}]
    assert revision["code_version"].startswith("market-data ")
    assert len(revision["run"]) == 36
    assert told["made_from"] == []
    assert links(told["made_from_this"]) == {
        ("candles", "2024-01-15", 1, "current"),
        ("quality_reports", "2024-01-15", 1, "current"),
    }


def test_candles_lead_back_to_the_landed_file_and_on_to_the_day_after(traced: Home) -> None:
    told = trace(traced, "candles", "BBB-USD", "2024-01-16")
    assert links(told["made_from"]) == {("trades", "2024-01-16", 1, "current"), ("candles", "2024-01-15", 1, "current")}
    (file,) = next(each["landed"] for each in told["made_from"] if each["table"] == "trades")
    assert file["name"] == "BBB-USD-trades-2024-01-16.csv.gz"
    after = trace(traced, "candles")["made_from_this"]
    assert ("candles", "2024-01-16", 1, "current") in links(after)


def test_a_correction_marks_what_was_made_from_the_bytes_it_replaced(traced: Home) -> None:
    correct(traced.settings, "trades")
    make(traced.settings, CORRECTED, CORRECTED, "trades")
    told = trace(traced, "trades")
    assert [(each["revision"], each["state"]) for each in told["revisions"]] == [(1, "superseded"), (2, "current")]
    assert [each["counts"] for each in told["landed"]] == [True, False]
    assert {state for *_, state in links(told["made_from_this"])} == {"stale"}
    assert trace(traced, "candles")["stale"]
    assert not trace(traced, "vendor_candles")["stale"]
    assert not trace(traced, "candles", "BBB-USD", "2024-01-16")["stale"]  # its candles of the day before still count

    make(traced.settings, CORRECTED, CORRECTED, "candles", "quality_reports")
    assert not trace(traced, "candles")["stale"]
    assert {state for *_, state in links(trace(traced, "trades")["made_from_this"])} == {"current"}


def test_candles_that_turned_out_the_same_bytes_are_not_stale(traced: Home) -> None:
    correct(traced.settings, "trades", received_later)
    make(traced.settings, CORRECTED, CORRECTED, "trades")
    assert trace(traced, "candles")["stale"]
    make(traced.settings, CORRECTED, CORRECTED, "candles")
    told = trace(traced, "candles")
    assert [each["revision"] for each in told["revisions"]] == [1]
    assert links(told["made_from"]) == {("trades", "2024-01-15", 2, "current")}


def test_people_get_a_tree(traced: Home) -> None:
    ledger = Ledger(traced.settings.database.get_secret_value())
    partition = traced.settings.feeds["sim"].partition("BBB-USD", traced.settings.feeds["sim"].start)
    ledger.spending.enter(partition, "trades", "run-7", 0.25, "trades of [BBB]", Allowance(None, None))
    ledger.close()
    correct(traced.settings, "trades")
    make(traced.settings, CORRECTED, CORRECTED, "trades")
    lines = traced.lines("trace", "sim", "trades", *PLACE)
    assert lines[0] == "sim/trades BBB-USD 2024-01-15"
    text = "\n".join(line.lstrip("│├└─ ") for line in lines)
    assert "from a correction, landed" in text
    assert "superseded" in text
    assert "bought for 0.2500 USD" in text
    assert "0.2500 USD  trades of [BBB]  run run-7" in text
    assert "candles 2024-01-15  revision 1  stale" in text
    stale = traced.lines("trace", "sim", "candles", *PLACE)
    assert stale[0] == "sim/candles BBB-USD 2024-01-15  stale: made from what was replaced since"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nowhere", "trades", *PLACE], 2, "has no feed 'nowhere'"),
        (["sim", "statistics", *PLACE], 2, "sim has no table 'statistics'; it has instruments,"),
        (["sim", "trades", "ZZZ", PLACE[1]], 2, "sim has no symbol 'ZZZ'; it has AAA-USD, BBB-USD"),
        (["sim", "trades", "BBB-USD", "15.1.2024"], 2, "DATE is '15.1.2024'; expected a UTC day"),
        (["sim", "trades", *PLACE], 1, "`market-data ingest sim --start 2024-01-15 --symbols BBB-USD` makes it"),
    ],
)
def test_what_is_not_there_is_said(home: Home, words: list[str], code: int, said: str) -> None:
    result = home.run("trace", *words)
    assert (result.exit_code, said in result.stderr) == (code, True), result.stderr
