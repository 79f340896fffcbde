"""`market-data demo`, for real: Dagster runs, and what it made is told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from market_data_tests.databases import ledger_environment


def demo(home: Path, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """The demo as a process of its own, from a folder without configuration."""
    home.mkdir(exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MARKET_DATA", "DAGSTER"))}
    return subprocess.run(
        [sys.executable, "-c", "from market_data.cli import main; main()", "demo", *words],
        check=False,
        capture_output=True,
        text=True,
        cwd=home,
        env=inherited | {"MARKET_DATA_HOME": str(home), "COLUMNS": "160"} | ledger_environment(home) | environment,
    )


def row(text: str, first: str) -> list[str]:
    """The cells of the row of a table that begins with a word."""
    (line,) = (line for line in text.splitlines() if line.replace("│", " ").split()[:1] == [first])
    return [cell.strip() for cell in line.strip("│").split("│")]


@pytest.mark.slow
def test_the_demo_tells_what_was_built_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    first = demo(tmp_path)
    assert first.returncode == 0, first.stderr
    assert row(first.stdout, "trades")[1:2] + row(first.stdout, "trades")[-2:] == ["9", "9", "0"]
    assert row(first.stdout, "ohlc")[-3:] == ["3 of 3"] * 3
    assert "9/9" in first.stderr
    assert f"make ui MARKET_DATA_HOME={tmp_path}" in first.stdout
    assert (tmp_path / "demo.html").read_text().count("<svg") == 3
    assert (tmp_path / "dagster").is_dir()
    second = demo(tmp_path)
    assert row(second.stdout, "trades")[-2:] == ["0", "9"]
    assert "9/9" in second.stderr


@pytest.mark.slow
def test_the_demo_with_defects_tells_what_failed_and_what_was_set_aside(tmp_path: Path) -> None:
    done = demo(tmp_path, "--defects")
    assert done.returncode == 0, done.stderr
    assert row(done.stdout, "row_account")[-3:] == ["0 of 3"] * 3
    assert "error: row_account of trades" in done.stdout
    assert "price_is_positive" in done.stdout
    assert (tmp_path / "demo_defects.html").exists()


@pytest.mark.slow
def test_a_demo_that_fails_shows_the_end_of_the_log_and_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "dagster").mkdir()
    (tmp_path / "dagster" / "dagster.yaml").write_text("no_such_key: 1\n")
    done = demo(tmp_path)
    assert done.returncode == 1
    assert f"the run failed; the last lines of {tmp_path / 'demo.log'}:" in done.stderr
    assert "no_such_key" in done.stderr
