"""`market-data coverage`: the states of partitions, as a map and as JSON."""

import datetime as dt
import io
import json
from collections import Counter

import pytest

from market_data.cli.coverage_map import draw
from market_data.pipeline.coverage import Cell
from market_data.warehouse.store import Warehouse
from market_data_tests.cli.conftest import Home
from market_data_tests.partitions import days, enter, row_of


def drawn(cells: list[Cell], encoding: str = "utf-8", width: int = 80) -> list[str]:
    stream = io.BytesIO()
    file = io.TextIOWrapper(stream, encoding=encoding, write_through=True)
    draw("f/trades", cells, file, width)
    return [line.rstrip() for line in stream.getvalue().decode(encoding).splitlines()]


def cells(states: list[str], start: str = "2024-01-30", symbol: str = "A") -> list[Cell]:
    return [Cell(symbol, day, state, 0, 0) for day, state in zip(days(start, len(states)), states, strict=True)]


STATES = ["present", "empty", "set_aside", "missing", "no_session"]


def test_each_state_has_its_character_at_its_day_and_months_are_blocks() -> None:
    title, months, _, row, legend, _ = drawn(cells(STATES))
    assert title == "f/trades: 3 of 4 partitions, 75.0%"
    assert months.split() == ["2024-01", "2024-02"]
    assert (row[3 + 29], row[3 + 30], row[3 + 33 : 3 + 36]) == ("█", "░", "▓x·")
    assert "x missing 1" in legend


def test_a_terminal_without_unicode_gets_characters_that_it_has() -> None:
    assert "#o" in drawn(cells(STATES), "ascii")[3]
    assert "!x." in drawn(cells(STATES), "ascii")[3]


def test_months_that_have_no_room_beside_each_other_stand_below() -> None:
    assert [line.strip() for line in drawn(cells(STATES), width=50) if line.strip().startswith("2024")] == [
        "2024-01",
        "2024-02",
    ]


def test_what_is_there_what_is_missing_and_what_is_set_aside(home: Home) -> None:
    rows = json.loads("".join(home.lines("coverage", "sim", "--json")))
    states = {(row["symbol"], row["date"]): row["state"] for row in rows}
    assert states == {
        ("AAA-USD", "2024-01-15"): "present",
        ("AAA-USD", "2024-01-16"): "set_aside",
        ("AAA-USD", "2024-01-17"): "empty",
        ("BBB-USD", "2024-01-15"): "missing",
        ("BBB-USD", "2024-01-16"): "missing",
        ("BBB-USD", "2024-01-17"): "missing",
    }
    assert rows[0] == {
        "feed": "sim", "table": "trades", "symbol": "AAA-USD", "date": "2024-01-15",
        "state": "present", "rows": 3, "set_aside": 0,
    }  # fmt: skip
    assert home.lines("coverage", "sim")[0] == "sim/trades: 3 of 6 partitions, 50.0%"


def test_another_table_and_other_days_can_be_asked_for(home: Home) -> None:
    lines = home.lines("coverage", "sim", "--table", "candles", "--start", "2024-01-01", "--end", "2024-01-15")
    assert lines[0] == "sim/candles: 1 of 2 partitions, 50.0%"


def test_without_a_feed_every_feed_is_shown(home: Home) -> None:
    titles = [line for line in home.lines("coverage") if "partitions" in line]
    assert [title.partition(":")[0] for title in titles] == ["sim/trades", "xrpeth/trades"]


def test_what_the_configuration_does_not_have_is_said(home: Home) -> None:
    for words, said in (
        (["nowhere"], "no feed 'nowhere'"),
        (["sim", "--table", "statistics"], "sim has no table 'statistics'; it has instruments,"),
        (["sim", "--start", "15.1.2024"], "--start is '15.1.2024'; expected a UTC day, YYYY-MM-DD"),
    ):
        result = home.run("coverage", *words)
        assert result.exit_code == 2
        assert said in result.stderr


def test_a_hundred_thousand_partitions_are_counted_and_drawn(warehouse: Warehouse, empty_home: Home) -> None:
    feed = empty_home.settings.feeds["sim"]
    symbols = [f"S{n:03}" for n in range(100)]
    thousand = days("2021-01-01", 1_000)
    enter(warehouse.ledger, (row_of("trades", feed.partition(symbol, day)) for symbol in symbols for day in thousand))
    many = empty_home.settings.config_path
    many.write_text(many.read_text().replace("- AAA-USD\n    - BBB-USD", "- " + "\n    - ".join(symbols)))
    text = many.read_text().replace("'2024-01-15'", "'2021-01-01'").replace("'2024-01-17'", "'2023-09-27'")
    many.write_text(text.replace("AAA-USD", "S000").replace("BBB-USD", "S001"))
    lines = empty_home.lines("coverage", "sim")
    assert lines[0] == "sim/trades: 100,000 of 100,000 partitions, 100%"
    assert Counter("".join(lines))["█"] == 100_000 + 1  # and the legend's


def test_a_day_without_a_session_is_not_missing(empty_home: Home) -> None:
    config = empty_home.settings.config_path
    config.write_text(config.read_text().replace("source: simulated", "source: simulated\n    calendar: XNYS"))
    rows = json.loads("".join(empty_home.lines("coverage", "sim", "--json", "--end", "2024-01-16")))
    assert dt.date(2024, 1, 15).weekday() == 0  # Martin Luther King's day
    assert [row["state"] for row in rows if row["symbol"] == "AAA-USD"] == ["no_session", "missing"]


@pytest.mark.parametrize(
    ("given", "written", "said"),
    [
        ("source: simulated", "source: simulated\n    calendar: NOWHERE", "sim.calendar = 'NOWHERE'"),
        ("start: '2024-01-15'", "start: '2024-01-35'", "sim.start = '2024-01-35'"),
        ("start: '2024-01-15'", "start: '2024-01-15'\n    strat: 1", "sim.strat = '1': there is no such key"),
        ("- quotes", "- quote", "sim.tables"),
        ("end: '2024-01-17'", "end: '2024-01-01'", "expected end (2024-01-01) not before start"),
    ],
)
def test_a_slip_in_the_feeds_file_is_told_with_its_place(empty_home: Home, given: str, written: str, said: str) -> None:
    config = empty_home.settings.config_path
    assert given in config.read_text()
    config.write_text(config.read_text().replace(given, written, 1))
    result = empty_home.run("coverage", "sim")
    assert (result.exit_code, f"{config}:" in result.stderr, said in result.stderr) == (2, True, True), result.stderr


def test_of_a_feed_without_trades_the_first_table_of_its_source_is_shown(empty_home: Home) -> None:
    config = empty_home.settings.config_path
    tables = "    - instruments\n    - trades\n    - quotes\n"
    config.write_text(config.read_text().replace(tables, "    - quotes\n    - instruments\n", 1))
    assert empty_home.lines("coverage", "sim")[0].startswith("sim/instruments: 0 of 6")


def test_an_end_before_the_start_is_wrong_usage(home: Home) -> None:
    result = home.run("coverage", "sim", "--start", "2024-01-20", "--end", "2024-01-10", "--json")
    assert (result.exit_code, "--end (2024-01-10) lies before --start (2024-01-20)" in result.stderr) == (2, True)
