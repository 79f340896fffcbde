"""`market-data announce`: an instance that knows nothing learns what is there."""

import json
from pathlib import Path

import dagster as dg
import pytest

from market_data_tests.cli.conftest import Home
from market_data_tests.pipeline.homes import collect, home_at

KEYS = ["2024-01-15|AAA-USD", "2024-01-15|BBB-USD", "2024-01-16|AAA-USD", "2024-01-16|BBB-USD"]


@pytest.fixture
def dagster_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "dagster").mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    return tmp_path / "dagster"


def announced(home: Home, *words: str) -> dict[str, int]:
    return json.loads("".join(home.lines("announce", "--json", *words)))["unknown"]


def test_what_is_there_is_announced_once_and_again_when_it_changed(tmp_path: Path, dagster_home: Path) -> None:
    settings = home_at(tmp_path)
    collect(settings)
    home = Home(settings)
    there = {"sim/candles": 4, "sim/trades": 4}
    assert announced(home, "--dry-run") == announced(home, "--dry-run") == there
    assert home.lines("announce")[-1] == "8 partitions were announced"
    assert announced(home) == {}
    with dg.DagsterInstance.from_config(str(dagster_home)) as instance:
        for table in ("trades", "candles"):
            assert sorted(instance.get_materialized_partitions(dg.AssetKey(["sim", table]))) == KEYS
        asset = dg.AssetRecordsFilter(dg.AssetKey(["sim", "candles"]), asset_partitions=KEYS[:1])
        (record,) = instance.fetch_materializations(asset, limit=5).records
        assert record.asset_materialization is not None
        assert {"sha256", "rows_in", "preview", "chart"} <= record.asset_materialization.metadata.keys()
        # Candles know the event of the trades that they were made from.
        tags = record.asset_materialization.tags or {}
        assert [tag for tag in tags if "input_event_pointer" in tag]
        assert "-1" not in tags.values()
    collect(home_at(tmp_path, seed=2), days=1)
    assert announced(home) == {"sim/candles": 2, "sim/trades": 2}
    assert announced(home) == {}


def test_without_an_instance_it_says_how_to_make_one(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    result = home.run("announce")
    assert result.exit_code == 2
    assert "make home" in result.stderr
