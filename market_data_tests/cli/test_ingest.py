"""`market-data ingest`, for real: Dagster runs in a process of its own, and what it did is added up."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from market_data_tests.cli.conftest import Home
from market_data_tests.feeds import settings_of, simulated
from market_data_tests.runs import dagster_home, instance_of, materialized
from market_data_tests.ui.dev import until

THREE = {"symbols": ["AAA-USD", "BBB-USD", "CCC-USD"], "options": {"seed": 1, "trades_per_day": {"AAA-USD": 300}}}


@pytest.fixture
def ours(tmp_path: Path) -> Home:
    return Home(settings_of(tmp_path, {"sim": simulated(**THREE)}))


def summary(home: Home, *words: str) -> dict[str, Any]:
    return json.loads("\n".join(home.lines("ingest", "sim", *words, "--json")))


@pytest.mark.slow
def test_symbols_that_are_no_neighbours_are_taken_and_those_between_are_not(
    ours: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    dagster_home(ours.settings.home)
    words = ("--start", "2024-01-15", "--end", "2024-01-16", "--symbols", "CCC-USD,AAA-USD", "--tables", "trades")
    first = summary(ours, *words)
    assert first["partitions"] == {"done": 4, "total": 4, "whole": 0}
    assert list(first["tables"]) == ["trades", "candles", "quality_reports"]
    assert first["tables"]["trades"]["fetched"] == 4
    assert first["tables"]["trades"]["accepted"] == first["tables"]["trades"]["records"] > 0
    made = {f"2024-01-{day}|{symbol}" for day in (15, 16) for symbol in ("AAA-USD", "CCC-USD")}
    with instance_of(ours.settings) as instance:
        assert materialized(instance, "trades") == materialized(instance, "candles") == made
        assert materialized(instance, "quotes") == set()
    second = summary(ours, *words)
    assert (second["partitions"], second["tables"]) == ({"done": 4, "total": 4, "whole": 4}, {})
    assert "4 of 4 partitions (4 whole already), 0 B fetched" in ours.run("ingest", "sim", *words).stdout
    third = summary(ours, *words, "--rebuild")
    assert (third["tables"]["trades"]["fetched"], third["tables"]["trades"]["there"]) == (0, 4)
    assert third["tables"]["trades"]["new"] == third["tables"]["candles"]["new"] == 0
    assert third["fetched_bytes"] == 0
    shown = ours.run("ingest", "sim", *words, "--rebuild")
    assert shown.stdout.splitlines()[0].split() == [
        *("table", "fetched", "there", "accepted", "set", "aside", "repeated", "new", "failed")
    ]
    assert "4 of 4 partitions, 0 B fetched" in shown.stdout
    assert "4/4" in shown.stderr


@pytest.mark.slow
def test_a_whole_run_logs_a_line_a_stage_and_no_error(ours: Home) -> None:
    summary(ours, "--start", "2024-01-15", "--symbols", "AAA-USD")
    (log,) = (ours.settings.home / "logs").glob("ingest-sim-*.log")
    lines = log.read_text().splitlines()
    told = [line.split("market_data.progress ")[1].split() for line in lines if "market_data.progress" in line]
    stages = [(words[0], words[1]) for words in told if words[0] in ("fetch", "made", "checks", "failed")]
    tables = ("instruments", "trades", "quotes", "vendor_candles")
    fetched = [pair for table in tables for pair in (("fetch", f"sim/{table}"), ("made", f"sim/{table}"))]
    assert stages == [
        *fetched,
        ("made", "sim/candles"),
        ("made", "sim/quality_reports"),
        ("checks", "sim/quality_reports"),
    ]
    for words in told[:-1]:
        assert {"symbol=AAA-USD", "day=2024-01-15"} <= set(words)
        assert any(word.startswith("run=") for word in words)
    assert not [line for line in lines if " ERROR " in line]


@pytest.mark.slow
def test_a_whole_run_logs_json_objects_on_request(ours: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKET_DATA_LOG_FORMAT", "json")
    summary(ours, "--start", "2024-01-15", "--symbols", "AAA-USD", "--tables", "trades")
    (log,) = (ours.settings.home / "logs").glob("ingest-sim-*.log")
    told = [json.loads(line) for line in log.read_text().splitlines() if '"logger": "market_data' in line]
    tables = [(line["table"], line["stage"]) for line in told if line["stage"] != "done"]
    assert tables == [
        *(("trades", "fetch"), ("trades", "made"), ("candles", "made")),
        *(("quality_reports", "made"), ("quality_reports", "checks")),
    ]
    assert {(line["feed"], line["symbol"], line["day"]) for line in told} == {("sim", "AAA-USD", "2024-01-15")}
    assert {len(line["run"]) for line in told} == {36}


@pytest.mark.slow
def test_what_many_partitions_fail_of_is_said_once_and_the_exit_code_tells(tmp_path: Path) -> None:
    rules = {"trades": {"relax": {"price_is_even": "there is no such rule"}}}
    home = Home(settings_of(tmp_path, {"sim": simulated(rules=rules)}))
    result = home.run("ingest", "sim", "--start", "2024-01-15", "--end", "2024-01-16", "--symbols", "AAA-USD")
    assert result.exit_code == 1
    assert "2 of 2 partitions" in result.stdout
    assert "2 times, trades AAA-USD 2024-01-15 to trades AAA-USD 2024-01-16: " in result.stderr
    assert result.stderr.count("no rule 'price_is_even' to relax") == 1
    assert "the log is" in result.stderr


@pytest.mark.slow
def test_a_run_that_does_not_begin_shows_the_end_of_its_log(ours: Home) -> None:
    dagster_home = ours.settings.home / "dagster"
    dagster_home.mkdir(parents=True)
    (dagster_home / "dagster.yaml").write_text("no_such_key: 1\n")
    result = ours.run("ingest", "sim", "--start", "2024-01-15")
    assert result.exit_code == 1
    assert "the run failed; the last lines of" in result.stderr
    assert "no_such_key" in result.stderr


def ranges(home: Home) -> list[tuple[str, str]]:
    """The first and the last partition of each run, the earliest first."""
    with instance_of(home.settings) as instance:
        tags = [run.tags for run in reversed(instance.get_runs())]
    ends = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
    return [(each[ends[0]], each[ends[1]]) for each in tags]


@pytest.mark.slow
def test_only_what_is_left_of_a_range_goes_into_a_run(ours: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    folder = dagster_home(ours.settings.home)
    two, three = ("--start", "2024-01-15", "--end", "2024-01-16"), ("--start", "2024-01-15", "--end", "2024-01-17")
    first = ("2024-01-15|AAA-USD", "2024-01-16|CCC-USD")
    summary(ours, *two)
    again = summary(ours, *two)
    assert (again["partitions"], again["tables"]) == ({"done": 6, "total": 6, "whole": 6}, {})
    assert ranges(ours) == [first]
    more = summary(ours, *three, "--symbols", "AAA-USD,BBB-USD")
    assert more["partitions"] == {"done": 6, "total": 6, "whole": 4}
    assert ranges(ours)[1:] == [("2024-01-17|AAA-USD", "2024-01-17|BBB-USD")]
    rest = summary(ours, *three)
    assert rest["partitions"] == {"done": 9, "total": 9, "whole": 8}
    assert ranges(ours)[2:] == [("2024-01-17|CCC-USD", "2024-01-17|CCC-USD")]
    shutil.move(folder, folder.with_name("elsewhere"))
    dagster_home(ours.settings.home)
    told = summary(ours, *two)
    assert told["partitions"] == {"done": 6, "total": 6, "whole": 6}
    assert ranges(ours) == [first], "an instance without a record of whole partitions is told of them by a run"
    with instance_of(ours.settings) as instance:
        assert len(materialized(instance, "candles")) == 6


@pytest.mark.slow
def test_ctrl_c_ends_at_a_partitions_edge_and_the_same_command_goes_on(tmp_path: Path) -> None:
    many = {"symbols": [f"S{n:02}-USD" for n in range(20)], "tables": ["trades"], "options": {"seed": 1}}
    home = Home(settings_of(tmp_path, {"sim": simulated(**many)}))
    command = [str(Path(sys.executable).with_name("market-data")), "ingest", "sim", "--start", "2024-01-15", "--json"]
    environment = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"} | home.environment
    run = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: len(list(home.settings.warehouse.glob("_files/quality_reports/*/*/*/*.parquet"))) > 2)
    run.send_signal(signal.SIGINT)
    told, said = run.communicate()
    assert run.returncode == 1
    assert "ending when this partition is done" in said
    assert "stopped: what is done stays, and the same command goes on with the rest" in said
    done = json.loads(told)
    assert 2 < done["partitions"]["done"] < 20
    for table in ("trades", "candles", "quality_reports"):
        assert done["tables"][table]["new"] == done["partitions"]["done"], "whole partitions, and no parts"
    rest = json.loads("\n".join(home.lines("ingest", "sim", "--start", "2024-01-15", "--json")))
    assert rest["tables"]["trades"]["new"] == 20 - done["partitions"]["done"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nosuch", "--start", "2024-01-15"], "has no feed 'nosuch'; expected one out of sim"),
        (["sim", "--start", "15.1.2024"], "--start is '15.1.2024'; expected a UTC day"),
        (["sim", "--start", "2024-01-16", "--end", "2024-01-15"], "--end (2024-01-15) lies before --start"),
        (["sim", "--start", "2023-01-15"], "sim has days from 2024-01-15 to 2024-01-17"),
        (["sim", "--start", "2024-01-15", "--symbols", "ZZZ"], "--symbols 'ZZZ': expected names out of AAA-USD"),
        (["sim", "--start", "2024-01-15", "--tables", ","], "--tables ',': expected names out of instruments, trades"),
        (["sim"], "Missing option '--start'"),
    ],
)
def test_what_the_feed_does_not_have_is_said_and_nothing_is_done(ours: Home, words: list[str], said: str) -> None:
    result = ours.run("ingest", *words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not ours.settings.home.exists()


def test_a_dry_run_tells_what_is_missing_and_fetches_nothing(ours: Home) -> None:
    lines = ours.lines("ingest", "sim", "--start", "2024-01-15", "--end", "2024-01-17", "--dry-run")
    assert [*lines[0].split()] == ["table", "symbol", "to", "fetch", "landed", "requests", "size", "records", "USD"]
    assert lines[4].split() == ["trades", "AAA-USD", "3", "0", "3", "-", "900", "0.0000"]
    assert "to fetch, 2024-01-15 to 2024-01-17: instruments AAA-USD, instruments BBB-USD" in lines[-1]
    assert not (ours.settings.home / "landing").exists()
    told = json.loads("\n".join(ours.lines("ingest", "sim", "--start", "2024-01-15", "--dry-run", "--json")))
    assert told["cost_usd"] == 0
    assert told["tables"][3]["absent"] == ["2024-01-15"]
