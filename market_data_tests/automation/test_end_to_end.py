"""A vendor that is late, then wrong, then corrects itself, before a real daemon: nothing is done by hand.

`dagster dev` runs with its sensors; the archive and the webhook are real servers on loopback.
"""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from market_data.domain.partition import Partition
from market_data.domain.time import day_start
from market_data.pipeline.workspace import opened
from market_data.settings import Settings
from market_data_tests.feeds import settings_of
from market_data_tests.ui.dev import Dev, dagster_dev, until
from market_data_tests.vendors import binance_files as files
from market_data_tests.vendors.binance_archive import BinanceArchive, binance_archive
from market_data_tests.vendors.webhook import Webhook, webhook

__all__ = ["binance_archive", "webhook"]

SYMBOL = "BTCUSDT"
TODAY = dt.datetime.now(dt.UTC).date()
FIRST, LATE = TODAY - dt.timedelta(days=2), TODAY - dt.timedelta(days=1)
PARTITION = Partition("live", LATE, "BTC-USDT")


def publish(archive: BinanceArchive, day: dt.date, third: str = "101.5") -> None:
    """A day of one trade a minute and its 1m klines, all at 101.5; the third trade may be wrong."""
    start, minutes = day_start(day) // 1_000, range(1_440)
    prices = dict.fromkeys(minutes, "101.5") | {2: third}
    trades = [
        f"{10_000 * day.day + n},{prices[n]},2.00000000,{n},{n},{start + n * 60_000_000},True,True" for n in minutes
    ]
    klines = [
        f"{start + n * 60_000_000},101.5,101.5,101.5,101.5,2.00000000,{start + (n + 1) * 60_000_000 - 1},203.0,1,0,0,0"
        for n in minutes
    ]
    files.write(archive.root / files.klines_path(SYMBOL, day, "1m"), klines)
    files.write(archive.root / files.trades_path(SYMBOL, day), trades)


@pytest.fixture
def settings(binance_archive: BinanceArchive, tmp_path: Path) -> Settings:
    stanza = {
        "source": "binance_vision",
        "symbols": {"BTC-USDT": SYMBOL},
        "tables": ["trades", "vendor_candles"],
        "start": FIRST.isoformat(),
        "due_after_hours": 0,
        "candles": {"time": ["1m", "1d"]},
        "options": {"base_url": binance_archive.base_url, "klines": ["1m"]},
        "repair": {"first_wait_minutes": 0, "tries": 1_000, "per_day": 1_000},
    }
    return settings_of(tmp_path, {"live": stanza})


@pytest.fixture
def dev(
    settings: Settings, binance_archive: BinanceArchive, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Dev]:
    """The platform, after its user collected the first day."""
    monkeypatch.setenv("MARKET_DATA_WATCH_SECONDS", "2")
    monkeypatch.setenv("MARKET_DATA_REPAIR_SECONDS", "5")
    monkeypatch.setenv("MARKET_DATA_ALERTS_OPS", webhook.url.get_secret_value())
    publish(binance_archive, FIRST)
    with dagster_dev(settings) as running:
        running.materialize("live", f"{FIRST}|BTC-USDT", f"{FIRST}|BTC-USDT")
        yield running


def revision(settings: Settings, table: str) -> int:
    """How many revisions the partition has had."""
    with opened(settings) as workspace:
        return len(workspace.ledger.history(table, PARTITION))


@pytest.mark.ui
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_late_then_wrong_then_corrected_is_told_and_mended(
    dev: Dev, settings: Settings, binance_archive: BinanceArchive, webhook: Webhook
) -> None:
    def told(*words: str) -> bool:
        said = [f"{each['title']}\n{each['message']}" for each in webhook.told]
        return any(all(word in line for word in words) for text in said for line in text.splitlines())

    until(lambda: told("error]", "live trades: due days are missing"))
    publish(binance_archive, LATE, third="101.7")  # late and wrong: its own klines say otherwise
    until(lambda: told("resolved]", "live trades: due days are missing"))
    until(lambda: told("error]", "live candles: vendor_candles does not pass"))
    assert revision(settings, "trades") == 1
    reports = revision(settings, "quality_reports")

    publish(binance_archive, LATE)  # the archive replaces its file
    until(lambda: told("resolved]", "live candles: vendor_candles does not pass"))
    assert revision(settings, "trades") == revision(settings, "candles") == 2
    assert revision(settings, "quality_reports") == reports + 1
    assert revision(settings, "vendor_candles") == 1  # the klines were right all along
    with opened(settings) as workspace:
        assert workspace.ledger.repairs.tries("live") == {} or until(lambda: not workspace.ledger.repairs.tries("live"))
