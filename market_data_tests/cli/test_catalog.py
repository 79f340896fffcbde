"""`market-data catalog`: a file for people's own tools."""

import json
from pathlib import Path

import duckdb

from market_data.domain.tables import table_names
from market_data_tests.cli.conftest import Home


def test_a_catalog_is_written_where_the_data_is_and_it_says_how_to_open_it(home: Home) -> None:
    path = home.settings.home / "warehouse.duckdb"
    lines = home.lines("catalog")
    assert lines[0] == f"{path}: {len(table_names())} views over 4 files"
    assert f"duckdb -readonly {path}" in lines[1]
    with duckdb.connect(path, read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM trades").fetchall() == [(4,)]


def test_a_catalog_can_be_written_elsewhere(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "mine.duckdb"
    told = json.loads("".join(home.lines("catalog", "-o", path, "--json")))
    assert told["path"] == str(path)
    assert (told["files"]["trades"], told["files"]["quotes"]) == (3, 0)
    assert path.exists()
