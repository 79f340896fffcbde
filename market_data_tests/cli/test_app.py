"""What holds for every command: help, exit codes, errors without a trace."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from market_data import __version__
from market_data.domain import plugins
from market_data_tests.cli.conftest import Home
from market_data_tests.databases import on_sqlite_only

COMMANDS = [name.replace("_", "-") for name in plugins.names("market_data.cli.commands")]


def started(home: Home, *words: str) -> "subprocess.CompletedProcess[str]":
    """The command as a process of its own."""
    command = [sys.executable, "-c", "from market_data.cli import main; main()", *words]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=os.environ | home.environment)


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_lists_every_command(empty_home: Home, word: str) -> None:
    text = "\n".join(empty_home.lines(word))
    assert [name for name in COMMANDS if name not in text] == []
    assert "Exit codes: 0 done, 1 failed, 2 wrong usage" in text


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in {"catalog", "demo", "config-reference"}])
def test_help_of_a_command_teaches_by_example(empty_home: Home, name: str) -> None:
    assert f"market-data {name}" in "\n".join(empty_home.lines(name, "--help"))


def test_the_version_is_told(empty_home: Home) -> None:
    assert empty_home.lines("--version") == [f"market-data {__version__}"]


def test_the_configuration_reference_is_printed(empty_home: Home) -> None:
    assert empty_home.lines("config-reference")[0] == "# Configuration"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["query", "SELECT 1"], 0),
        (["query", "FROM trade"], 1),
        (["query", "--no"], 2),
        (["land", "a", "b", "c", "d", "e"], 2),
    ],
)
def test_a_process_ends_with_the_code_that_it_means_and_shows_no_trace(home: Home, words: list[str], code: int) -> None:
    done = started(home, *words)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_debug_shows_the_trace(home: Home) -> None:
    done = started(home, "--debug", "query", "FROM trade")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "error: there is no table trade" in done.stderr


def test_a_wrong_configuration_is_2_and_names_the_file(empty_home: Home) -> None:
    empty_home.settings.config_path.write_text("feeds: {a: {}}")
    result = empty_home.run("coverage")
    assert result.exit_code == 2
    assert str(empty_home.settings.config_path) in result.stderr


@on_sqlite_only
def test_what_nobody_expected_is_called_a_bug_in_one_line(empty_home: Home) -> None:
    empty_home.settings.home.mkdir()
    empty_home.settings.ledger.write_bytes(b"no database" * 1_000)
    result = empty_home.run("coverage")
    assert result.exit_code == 1
    assert result.stderr.startswith("bug: DatabaseError: ")
    assert result.stderr.endswith("; `market-data --debug ...` shows where\n")
    assert result.stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no such pipes there")
def test_a_reader_that_leaves_early_is_no_error_to_speak_of(home: Home) -> None:
    command = (
        f"{sys.executable} -c 'from market_data.cli import main; main()' query -f csv 'FROM range(200000)' | head -n 1"
    )
    done = subprocess.run(
        ["sh", "-c", command], check=False, capture_output=True, text=True, env=os.environ | home.environment
    )
    assert (done.stdout, done.stderr) == ("range\n", "")


def test_help_imports_neither_the_engine_nor_the_databases(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from market_data.cli.application import app\n"
        "print([name for name in ('dagster', 'duckdb', 'polars', 'sqlalchemy', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
