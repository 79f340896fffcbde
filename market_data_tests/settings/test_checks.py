"""Thresholds of checks in a feed's stanza: what is named is changed, the rest keeps its default, mistakes are told."""

from pathlib import Path

import pytest

from market_data.domain.checks.book import Limits as BookLimits
from market_data.domain.checks.prices import Limits as PriceLimits
from market_data.domain.errors import ConfigurationError
from market_data.settings import Environment, Settings, load_settings
from market_data.sources import catalog

STANZA = """
feeds:
  sim:
    source: simulated
    symbols: [AAA-USD]
    tables: [instruments, trades, quotes]
    start: 2024-01-15
    checks:
      prices:
        trades: {least_return: 0.02}
      cross_vendor:
        candles: {feed: twin}
      tape:
        enabled: false
        reason: "sizes are indicative"
  twin:
    source: simulated
    symbols: [AAA-USD]
    tables: [trades]
    start: 2024-01-15
"""


def load(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "feeds.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(catalog(), Environment(home=tmp_path / "home", config=path))


def test_a_threshold_holds_for_its_table_alone(tmp_path: Path):
    feed = load(tmp_path, STANZA).feeds["sim"]
    assert feed.thresholds("prices", "trades", PriceLimits) == PriceLimits(least_return=0.02)
    assert feed.thresholds("prices", "quotes", PriceLimits) == PriceLimits()
    assert feed.thresholds("book", "quotes", BookLimits) == BookLimits()


def test_a_check_is_switched_off_for_a_feed_and_one_on_request_asked_for(tmp_path: Path):
    feeds = load(tmp_path, STANZA).feeds
    assert "tape" not in feeds["sim"].judged_by
    assert "tape" in feeds["twin"].judged_by
    assert feeds["sim"].judged_by["cross_vendor"] == "candles"
    assert "cross_vendor" not in feeds["twin"].judged_by


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("prices:", "pricez:"), ["feeds.yaml:9", "feeds.sim.checks.pricez", "no such key", "ohlc", "prices"]),
        (("        trades: {least", "        candles: {least"), ["feeds.yaml:10", "prices.candles", "trades, quotes"]),
        (("least_return", "least_retrun"), ["feeds.yaml:10", "trades.least_retrun", "least_return", "outliers"]),
        (("0.02", "-1"), ["feeds.yaml:10", "trades.least_return = '-1'", "greater than 0"]),
        (("0.02", "wide"), ["feeds.yaml:10", "trades.least_return = 'wide'", "valid number"]),
        (('        reason: "sizes are indicative"\n', ""), ["feeds.yaml:13", "feeds.sim.checks.tape", "reason"]),
        (("feed: twin", "feed: twins"), ["feeds.yaml:12", "cross_vendor.candles.feed", "'twins'", "twin"]),
        (("feed: twin", "feed: sim"), ["feeds.yaml:12", "'sim'", "another feed"]),
        (("feed: twin", "symbol: X"), ["feeds.yaml:12", "feeds.sim.checks.cross_vendor.candles", "expected feed"]),
    ],
)
def test_a_mistake_is_refused_with_file_line_key_and_expectation(
    tmp_path: Path, change: tuple[str, str], words: list[str]
):
    assert change[0] in STANZA
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, STANZA.replace(*change, 1))
    for word in words:
        assert word in str(refused.value)
