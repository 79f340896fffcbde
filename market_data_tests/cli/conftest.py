"""A home with two feeds and a few partitions, and the command run on it."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from market_data.cli.application import app
from market_data.settings import Settings
from market_data.warehouse.store import Warehouse
from market_data_tests.feeds import environment_of, settings_of, simulated
from market_data_tests.partition_view import bar, trade
from market_data_tests.partitions import put, warehouse_at

ARCHIVE = {
    "source": "binance_vision",
    "symbols": {"XRP-ETH": "XRPETH"},
    "tables": ["instruments", "trades", "vendor_candles"],
    "start": "2019-10-11",
    "end": "2019-10-31",
}


@dataclass(frozen=True)
class Home:
    """Settings, and the command run on them in this process."""

    settings: Settings

    @property
    def environment(self) -> dict[str, str]:
        return environment_of(self.settings)

    def run(self, *words: str | Path, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words], input=stdin, env=self.environment)

    def lines(self, *words: str | Path) -> Sequence[str]:
        """What a command that succeeds says."""
        result = self.run(*words)
        assert result.exit_code == 0, result.stderr
        return result.stdout.splitlines()


@pytest.fixture
def empty_home(tmp_path: Path) -> Home:
    """Feeds, and no data."""
    return Home(settings_of(tmp_path, {"sim": simulated(), "xrpeth": ARCHIVE}))


@pytest.fixture
def warehouse(empty_home: Home) -> Iterator[Warehouse]:
    opened = warehouse_at(empty_home.settings.home)
    yield opened
    opened.close()
    opened.ledger.close()


@pytest.fixture
def home(empty_home: Home, warehouse: Warehouse) -> Home:
    """Of feed `sim` from 01-15 to 01-17: AAA-USD has a day with trades, one with rejected records and an empty one."""
    feed = empty_home.settings.feeds["sim"]
    first, second, third = (dt.date(2024, 1, day) for day in (15, 16, 17))
    rows = [trade(n, ts_event=1_705_276_800_123_456_789 + n, price=f"{100 + n}.123456789") for n in range(3)]
    put(warehouse, "trades", feed.partition("AAA-USD", first), rows)
    put(warehouse, "trades", feed.partition("AAA-USD", second), [trade(9, price="5")], rejected=2)
    put(warehouse, "trades", feed.partition("AAA-USD", third), [])
    put(warehouse, "candles", feed.partition("AAA-USD", first), [bar(n) for n in range(3)])
    return empty_home
