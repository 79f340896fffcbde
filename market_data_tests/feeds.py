"""Settings for tests, made through a real feeds file in a temporary folder."""

from pathlib import Path
from typing import Any

import yaml

from market_data.settings import Environment, Settings, load_settings
from market_data.sources import catalog

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
    path = folder / "feeds.yaml"
    path.write_text(yaml.safe_dump({"feeds": feeds}), encoding="utf-8")
    return load_settings(
        catalog(), Environment.model_validate({"home": folder / "home", "config": path, **environment})
    )
