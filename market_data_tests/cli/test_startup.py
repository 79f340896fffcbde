"""What a command imports: nothing that it does not use. Times are the bench's matter."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from market_data_tests.cli.conftest import Home

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
        (["query", "SELECT 1", "--limit", "many"], "Invalid value for '--limit'"),
        (["query", "SELECT 1", "--limit", "-1"], "Invalid value for '--limit'"),
        (["query", "SELECT 1", "--format", "xml"], "Invalid value for '--format'"),
        (["metrics", "--port", "70000"], "Invalid value for '--port'"),
    ],
)
def test_a_value_of_the_wrong_type_is_still_refused(empty_home: Home, words: list[str], said: str) -> None:
    result = empty_home.run(*words)
    assert result.exit_code == 2
    assert said in result.stderr


MODELS = {"market_data.settings.load", "market_data.sources", "market_data.pipeline.workspace"}


@pytest.mark.parametrize(
    "words",
    [
        ["coverage", "nowhere"],
        ["alerts", "--feed", "nowhere"],
        ["ingest", "nowhere", "--start", "2024-01-15"],
        ["health", "--feed", "nowhere"],
        ["trace", "nowhere", "trades", "AAA-USD", "2024-01-15"],
        ["quarantine", "show", "nowhere"],
    ],
)
def test_a_wrong_feeds_name_is_found_before_the_stanzas_are_judged(home: Home, words: list[str]) -> None:
    assert imported(home, words, 2) & {*ENGINES, *MODELS, "pydantic", "rich", "sqlite3"} == set()


@pytest.mark.parametrize(
    "words", [["query", "SELECT 1"], ["query", "--json", "SELECT 1"], ["alerts"], ["alerts", "--json"]]
)
def test_what_asks_no_feed_reads_no_stanza_and_draws_nothing(home: Home, words: list[str]) -> None:
    unused = {"dagster", "pandas", "exchange_calendars", "yaml", "rich", "alembic", "market_data.alerts.channels"}
    assert imported(home, words, 0) & {*MODELS, *unused} == set()


def test_a_query_on_a_folder_imports_no_library_that_writes(home: Home) -> None:
    unused = {*ENGINES, "pydantic", "numpy", "stamina", "obstore", "botocore"} - {"duckdb"}
    for sql in ("SELECT 1", "SELECT count(*) FROM trades", "SELECT sum(price) FROM trades WHERE date > '2024-01-01'"):
        assert imported(home, ["query", sql], 0) & unused == set()


def test_a_source_that_no_feed_names_is_not_imported(home: Home) -> None:
    found = imported(home, ["coverage", "sim"], 0)
    assert {"market_data.sources.simulated", "market_data.sources.binance_vision"} <= found
    assert {"market_data.sources.databento", "market_data.sources.ccxt", "market_data.sources.tardis"} & found == set()


def test_coverage_imports_no_engine_that_it_does_not_ask(home: Home) -> None:
    unused = {"dagster", "duckdb", "pandas", "exchange_calendars", "rich", "databento", "ccxt", "httpx"}
    assert imported(home, ["coverage", "sim"], 0) & unused == set()
