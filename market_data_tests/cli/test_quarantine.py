"""`market-data quarantine`: what was set aside, shown, released and dropped."""

import json
from pathlib import Path

import pytest

from market_data.pipeline.ingest import ingest
from market_data.pipeline.workspace import opened
from market_data_tests.cli.conftest import Home
from market_data_tests.feeds import settings_of, simulated
from market_data_tests.pipeline.test_release import Older

BAD = [4, 44, 84, 124]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Two days with four unreadable trades, and two that an older version of the source could not read."""
    options = {"seed": 1, "defects": ["unreadable"], "trades_per_day": {"AAA-USD": 200}}
    settings = settings_of(tmp_path, {"sim": simulated(symbols=["AAA-USD"], options=options)})
    feed = settings.feeds["sim"]
    with opened(settings) as workspace:
        workspace._sources["sim"] = Older(feed.options, feed.symbols, settings.vendors)
        for day in (15, 16):
            ingest(workspace, feed, "trades", feed.partition("AAA-USD", feed.start.replace(day=day)))
    return Home(settings)


def told(home: Home, *words: str) -> list[dict[str, object]]:
    return json.loads("".join(home.lines("quarantine", *words, "--json")))


def test_records_are_counted_by_feed_table_rule_and_day(home: Home) -> None:
    groups = told(home, "list")
    assert [(group["date"], group["rule"], group["records"]) for group in groups] == [
        (f"2024-01-{day}", rule, 2)
        for rule in ("fields_are_complete", "price_is_readable", "side_is_readable")
        for day in (15, 16)
    ]
    assert {(group["feed"], group["table"]) for group in groups} == {("sim", "trades")}
    assert len(told(home, "list", "--rule", "side_is_readable", "--end", "2024-01-15")) == 1
    assert home.lines("quarantine", "list", "--table", "quotes") == ["nothing stands in quarantine"]
    lines = home.lines("quarantine", "list", "--feed", "sim", "--start", "2024-01-16")
    assert lines[0].split() == [
        "|",
        "feed",
        "|",
        "table",
        "|",
        "rule",
        "|",
        "date",
        "|",
        "records",
        "|",
        "dropped",
        "|",
    ]
    assert len(lines) == 5


def test_records_are_shown_as_the_vendor_wrote_them_and_where_they_stood(home: Home) -> None:
    lines = home.lines("quarantine", "show", "sim", "trades", "AAA-USD", "2024-01-15", "--rule", "price_is_readable")
    assert lines[0] == "trades AAA-USD 2024-01-15: AAA-USD-trades-2024-01-15.csv.gz, record 4"
    assert lines[1] == "  price_is_readable: price is not a number: 'n/a'"
    assert json.loads(lines[2])["price"] == "n/a"
    assert len(lines) == 6
    records = told(home, "show", "sim", "--limit", "3")
    assert [record["record_number"] for record in records] == [4, 10, 11]
    assert "3 of 12 records shown" in home.run("quarantine", "show", "sim", "--limit", "3").stderr


def test_what_can_be_read_now_is_released_once_and_the_next_command_is_told(home: Home) -> None:
    words = ("quarantine", "release", "sim", "--rule", "side_is_readable")
    assert home.lines(*words) == [
        "trades sim AAA-USD 2024-01-15: 2 released, 4 stay",
        "trades sim AAA-USD 2024-01-16: 2 released, 4 stay",
        "Make what is made from it:",
        "  dagster asset materialize --select 'key:\"sim/trades\"+' "
        "--partition-range '2024-01-15|AAA-USD...2024-01-16|AAA-USD' -m market_data.definitions",
    ]
    assert home.lines(*words) == ["nothing stands in quarantine"]
    assert home.lines("quarantine", "release", "sim", "trades", "AAA-USD", "2024-01-15") == [
        "trades sim AAA-USD 2024-01-15: 0 released, 4 stay"
    ]


def test_a_partition_whose_bytes_are_gone_is_refused_and_stops_no_other(home: Home) -> None:
    (file,) = (home.settings.landing / "sim" / "trades" / "AAA-USD" / "2024-01-15").rglob("*.gz")
    file.unlink()
    result = home.run("quarantine", "release", "sim", "--json")
    assert result.exit_code == 1
    said = json.loads(result.stdout)
    assert [(row["date"], row["released"]) for row in said["partitions"]] == [("2024-01-16", 2)]
    (refused,) = said["refused"]
    assert "its bytes are not landed" in refused
    assert not file.exists(), "no vendor was asked"


def test_dropped_records_are_listed_on_request_only_and_come_back(home: Home) -> None:
    drop = ("quarantine", "drop", "sim", "trades", "--rule", "side_is_readable")
    assert home.lines(*drop, "--why", "a test of the vendor's") == ["4 records are dropped"]
    assert {group["rule"] for group in told(home, "list")} == {"fields_are_complete", "price_is_readable"}
    assert len(told(home, "show", "sim")) == 8
    assert [group["dropped"] for group in told(home, "list", "--all") if group["rule"] == "side_is_readable"] == [2, 2]
    shown = told(home, "show", "sim", "--all", "--rule", "side_is_readable")
    assert {record["dropped"] for record in shown} == {"a test of the vendor's"}
    assert home.lines(*drop, "--undo") == ["4 records are no longer dropped"]
    assert len(told(home, "show", "sim")) == 12


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["list", "--feed", "nope"], "has no feed 'nope'"),
        (["show", "sim", "candles"], "sim does not fetch 'candles'; it fetches instruments, trades"),
        (["release", "sim", "trades", "nope"], "sim has no symbol 'nope'; it has AAA-USD"),
        (["drop", "sim", "trades", "AAA-USD", "15.1.2024"], "DATE is '15.1.2024'; expected a UTC day"),
        (["list", "--start", "soon"], "--start is 'soon'; expected a UTC day"),
    ],
)
def test_what_the_configuration_does_not_have_is_said(home: Home, words: list[str], said: str) -> None:
    result = home.run("quarantine", *words)
    assert (result.exit_code, said in result.stderr) == (2, True)
