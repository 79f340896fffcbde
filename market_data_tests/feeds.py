"""Settings for tests, made through a real feeds file in a temporary folder, and what a process needs to share them."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from market_data.settings import Environment, Settings, load_settings
from market_data.sources import catalog
from market_data_tests.databases import ledger_environment, ledger_url, on_postgres

SIMULATED: dict[str, Any] = {
    "source": "simulated",
    "symbols": ["AAA-USD", "BBB-USD"],
    "tables": ["instruments", "trades", "quotes", "vendor_candles"],
    "start": "2024-01-15",
    "end": "2024-01-17",
    "options": {"seed": 1, "trades_per_day": {"AAA-USD": 400, "BBB-USD": 60}},
}


def simulated(**changes: Any) -> dict[str, Any]:
    """A stanza of the simulated source, with some keys changed."""
    return {**SIMULATED, **changes}


def settings_of(folder: Path, feeds: dict[str, dict[str, Any]], **environment: Any) -> Settings:
    """Settings with these feeds, their home in `folder` unless the environment given names another."""
    environment = place(environment.get("home", folder / "home")) | environment
    path = folder / "feeds.yaml"
    path.write_text(yaml.safe_dump({"feeds": feeds}), encoding="utf-8")
    return load_settings(catalog(), Environment(**{"config": path, **environment}))


def place(home: Path | str) -> dict[str, Any]:
    """A home, and its ledger where that does not lie in it: for an `Environment`, or a copy of settings.

    A home on a bucket does not say whose ledger it goes with.
    """
    named = on_postgres() and "://" not in str(home)
    return {"home": home} | ({"ledger_url": SecretStr(ledger_url(Path(home)))} if named else {})


def environment_of(settings: Settings) -> dict[str, str]:
    """What a process has to be told to work on these settings."""
    home, config = str(settings.home), str(settings.config_path)
    limit = {"MARKET_DATA_PARTITIONS_PER_FEED": str(settings.partitions_per_feed)}
    return {"MARKET_DATA_HOME": home, "MARKET_DATA_CONFIG": config, **limit, **ledger_environment(settings.home)}
