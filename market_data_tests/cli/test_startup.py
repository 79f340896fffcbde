"""What a command imports: nothing that it does not use. Times are the bench's matter."""

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from market_data.operations.alerting import raise_alerts
from market_data.pipeline.workspace import opened
from market_data_tests.alerts.conftest import late
from market_data_tests.cli.conftest import Home
from market_data_tests.databases import on_postgres, on_sqlite_only

ENGINES = ("dagster", "polars", "dataframely", "pyarrow", "pandas", "exchange_calendars", "duckdb", "sqlalchemy")
CODE = """
import json, sys
from market_data.cli import main
try:
    main()
finally:
    sys.stderr.write("\\n" + json.dumps(sorted(sys.modules)))
"""


def imported(home: Home, words: Sequence[str], code: int) -> set[str]:
    """The modules that a process has in the end that ran the command."""
    command = [sys.executable, "-c", CODE, *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=os.environ | home.environment)
    assert done.returncode == code, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["nosuch"], 2),
        (["ingest"], 2),
        (["query", "--no"], 2),
        (["quarantine", "nosuch"], 2),
        (["--help"], 0),
        (["--version"], 0),
        ([], 2),
        *(([name, "--help"], 0) for name in ("query", "coverage", "alerts", "ingest", "health", "trace", "backup")),
    ],
)
def test_help_and_errors_of_usage_import_nothing_that_works(empty_home: Home, words: list[str], code: int) -> None:
    found = imported(empty_home, words, code)
    assert (
        found & {*ENGINES, "pydantic", "yaml", "rich", "sqlite3", "market_data.settings", "market_data.sources"}
        == set()
    )


def test_a_command_imports_no_other_command(empty_home: Home) -> None:
    found = imported(empty_home, ["query", "--help"], 0)
    assert {name for name in found if name.startswith("market_data.cli.commands.")} == {
        "market_data.cli.commands.query"
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["query", "SELECT 1", "--limit", "many"], "Invalid value for '--limit': Input should be a valid integer"),
        (
            ["query", "SELECT 1", "--limit", "-1"],
            "Invalid value for '--limit': Input should be greater than or equal to 0",
        ),
        (["query", "SELECT 1", "--format", "xml"], "'xml' is not one of 'table', 'csv', 'json', 'parquet'"),
        (["metrics", "--port", "70000"], "Invalid value for '--port': Input should be less than or equal to 65535"),
        (["alerts", "ack", "x"], "Invalid value for 'ID': Input should be a valid integer"),
        (["worker", "--runs", "0"], "Input should be greater than or equal to 1"),
    ],
)
def test_a_value_of_the_wrong_type_is_still_refused(empty_home: Home, words: list[str], said: str) -> None:
    result = empty_home.run(*words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert imported(empty_home, words, 2) & {*ENGINES, "pydantic", "rich", "sqlite3"} == set()


MODELS = {"market_data.settings.load", "market_data.sources", "market_data.pipeline.workspace"}
WRITES = {*ENGINES, *MODELS, "pydantic", "rich", "numpy", "stamina", "alembic", "obstore", "botocore"}
"""What no command needs that only reads."""


@pytest.mark.parametrize(
    "words",
    [
        ["coverage", "nowhere"],
        ["coverage", "sim", "--table", "nothing"],
        ["coverage", "--table", "statistics"],
        ["coverage", "sim", "--start", "15.1.2024"],
        ["alerts", "--feed", "nowhere"],
        ["compact", "--feed", "nowhere"],
        ["ingest", "nowhere", "--start", "2024-01-15"],
        ["ingest", "sim", "--start", "2023-01-15"],
        ["ingest", "sim", "--start", "2024-01-15", "--symbols", "NONE"],
        ["ingest", "sim", "--start", "2024-01-15", "--tables", "nothing"],
        ["land", "nowhere", "trades", "AAA-USD", "2024-01-15", "file"],
        ["land", "sim", "nothing", "AAA-USD", "2024-01-15", "file"],
        ["land", "sim", "trades", "NONE", "2024-01-15", "file"],
        ["land", "sim", "trades", "AAA-USD", "2023-01-15", "file"],
        ["land", "sim", "trades", "AAA-USD", "2024-01-15", "no-file"],
        ["health", "--feed", "nowhere"],
        ["query", "SELECT 1", "--as-of", "some day"],
        ["query", "SELECT 1", "--format", "parquet"],
        ["report", "--feed", "nowhere"],
        ["report", "--start", "2024-01-16", "--end", "2024-01-15"],
        ["trace", "nowhere", "trades", "AAA-USD", "2024-01-15"],
        ["trace", "sim", "nothing", "AAA-USD", "2024-01-15"],
        ["trace", "sim", "trades", "NONE", "2024-01-15"],
        ["trace", "sim", "trades", "AAA-USD", "15.1.2024"],
        ["quarantine", "list", "--feed", "nowhere"],
        ["quarantine", "show", "nowhere"],
        ["quarantine", "show", "sim", "nothing"],
        ["quarantine", "release", "sim", "trades", "NONE"],
        ["quarantine", "drop", "sim", "--start", "15.1.2024"],
    ],
)
def test_wrong_words_are_found_before_the_stanzas_are_judged(home: Home, words: list[str]) -> None:
    assert imported(home, words, 2) & (WRITES | {"sqlite3"}) == set()


@pytest.mark.parametrize(
    "words",
    [
        *([word] for word in ("announce", "catalog", "compact", "metrics", "report", "sweep")),
        ["backup", "there"],
        ["ledger", "copy"],
        ["quarantine", "release", "sim"],
        ["query", "SELECT 1"],
        ["trace", "sim", "trades", "AAA-USD", "2024-01-15"],
    ],
)
def test_a_home_that_is_not_there_is_found_before_anything_is_imported_for_it(
    empty_home: Home, words: list[str]
) -> None:
    assert imported(empty_home, words, 2) & (WRITES | {"sqlite3"}) == set()


READING = [
    ["coverage"],
    ["coverage", "--json"],
    ["coverage", "sim", "--table", "candles", "--start", "2024-01-15", "--end", "2024-01-16"],
    ["alerts"],
    ["alerts", "--all", "--json"],
    ["alerts", "--feed", "sim"],
]


@pytest.mark.parametrize("words", READING)
def test_what_reads_the_ledger_imports_its_driver_alone(home: Home, words: list[str]) -> None:
    with opened(home.settings) as workspace:
        raise_alerts(workspace, [late(15, 16)], dt.datetime.now(dt.UTC), {})
    found = imported(home, words, 0)
    assert found & WRITES == set()
    assert ("psycopg2" in found, "sqlite3" in found) == (on_postgres(), True)


@on_sqlite_only
@pytest.mark.parametrize("words", READING)
def test_where_there_is_no_ledger_yet_nothing_is_made_to_read_it(empty_home: Home, words: list[str]) -> None:
    assert imported(empty_home, words, 0) & WRITES == set()
    assert not empty_home.settings.home.exists()


@pytest.mark.parametrize("words", [["alerts", "ack", "7"], ["alerts", "resolve", "7"]])
def test_a_number_that_no_alert_has_is_found_by_reading_alone(home: Home, words: list[str]) -> None:
    assert imported(home, words, 2) & WRITES == set()


@pytest.mark.parametrize("words", [["query", "SELECT 1"], ["query", "--json", "SELECT 1"], ["alerts"]])
def test_what_asks_no_feed_reads_no_stanza(home: Home, words: list[str]) -> None:
    assert imported(home, words, 0) & {"yaml", *MODELS} == set()


def test_a_query_on_a_folder_imports_no_library_that_writes(home: Home) -> None:
    for sql in ("SELECT 1", "SELECT count(*) FROM trades", "SELECT sum(price) FROM trades WHERE date > '2024-01-01'"):
        assert imported(home, ["query", sql], 0) & (WRITES - {"duckdb"}) == set()


def test_a_source_that_no_feed_names_is_not_imported(home: Home) -> None:
    found = imported(home, ["trace", "sim", "trades", "AAA-USD", "2024-01-15", "--json"], 0)
    assert {"market_data.sources.simulated", "market_data.sources.binance_vision"} <= found
    assert {"market_data.sources.databento", "market_data.sources.ccxt", "market_data.sources.tardis"} & found == set()


def test_a_workspace_imports_no_engine_that_it_does_not_ask(home: Home) -> None:
    unused = {"dagster", "duckdb", "pandas", "exchange_calendars", "rich", "databento", "ccxt", "httpx"}
    assert imported(home, ["trace", "sim", "trades", "AAA-USD", "2024-01-15", "--json"], 0) & unused == set()
