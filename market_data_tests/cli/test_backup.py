"""`market-data backup` and `market-data restore`: what they say, and how they end."""

import json
from pathlib import Path

import pytest

from market_data_tests.cli.conftest import Home
from market_data_tests.feeds import settings_of, simulated


@pytest.fixture
def other(tmp_path: Path) -> Home:
    """A home where nothing is yet."""
    (tmp_path / "other").mkdir()
    return Home(settings_of(tmp_path / "other", {"sim": simulated()}))


def test_a_home_goes_to_another_place(home: Home, other: Home, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    (planned,) = home.lines("backup", target, "--dry-run")
    assert "would be copied" in planned
    assert not target.exists()
    (said,) = home.lines("backup", target)
    assert said.startswith(f"{target} holds 4 files of ")
    assert home.lines("backup", target)[0].endswith("; 0 of 0 B were copied")
    (whole,) = home.lines("restore", target, "--verify")
    assert whole.startswith(f"{target} is whole: 4 files of ")
    assert other.lines("restore", target)[0] == (
        f"{other.settings.home} has 4 files, 4 partition_revisions, 2 series, 2 shapes"
    )
    query = "SELECT date, price FROM trades ORDER BY ALL"
    assert other.lines("query", "--json", query) == home.lines("query", "--json", query)


def test_both_speak_json(home: Home, other: Home, tmp_path: Path) -> None:
    made = json.loads("".join(home.lines("backup", tmp_path / "backup", "--prune", "--json")))
    assert (made["files"], made["copied_files"], made["lost"], made["pruned"]) == (4, 4, [], 0)
    verified = json.loads("".join(home.lines("restore", tmp_path / "backup", "--verify", "--json")))
    assert (verified["files"], verified["bad"]) == (4, [])
    assert (
        json.loads("".join(other.lines("restore", tmp_path / "backup", "--json")))["rows"]["partition_revisions"] == 4
    )


def test_a_damaged_backup_is_told_and_ends_with_1(home: Home, other: Home, tmp_path: Path) -> None:
    home.lines("backup", tmp_path / "backup")
    with_rows = max((tmp_path / "backup" / "files").glob("??/*"), key=lambda path: path.read_bytes()[:4] == b"PAR1")
    with_rows.write_bytes(b"damaged")
    for words in (["--verify"], []):
        result = other.run("restore", tmp_path / "backup", *words)
        assert result.exit_code == 1
        assert str(with_rows) in result.stderr


def test_what_is_no_backup_is_wrong_usage(home: Home, tmp_path: Path) -> None:
    for words in (["--verify"], []):
        result = home.run("restore", tmp_path / "nothing", *words)
        assert result.exit_code == 2
        assert "holds no backup" in result.stderr


def test_a_home_that_is_not_empty_is_wrong_usage(home: Home, tmp_path: Path) -> None:
    home.lines("backup", tmp_path / "backup")
    result = home.run("restore", tmp_path / "backup")
    assert result.exit_code == 2
    assert "is not empty" in result.stderr


def test_a_backup_of_a_later_version_is_wrong_usage(home: Home, other: Home, tmp_path: Path) -> None:
    home.lines("backup", tmp_path / "backup")
    path = tmp_path / "backup" / "backup.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 2, "version": "9.9"}))
    result = other.run("restore", tmp_path / "backup")
    assert result.exit_code == 2
    assert "use the version that made it (9.9)" in result.stderr
