"""Every mistake in the feeds file is refused at load, in words that name file, line, key, value and expectation."""

from pathlib import Path

import pytest

from market_data.domain.errors import ConfigurationError
from market_data.settings import Environment, Settings, alert_channels, load_settings
from market_data.sources import catalog

GOOD = """
feeds:
  xrpeth:
    source: binance_vision
    symbols: {XRP-ETH: XRPETH}
    tables: [instruments, trades, vendor_candles]
    start: 2019-10-11
    calendar: 24/7
    options: {market: spot, base_url: "http://127.0.0.1:20080"}
"""


def load(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "feeds.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(catalog(), Environment(home=tmp_path / "home", config=path))


def test_the_designs_stanza_loads_as_written(tmp_path: Path) -> None:
    feed = load(tmp_path, GOOD).feeds["xrpeth"]
    assert feed.symbols == {"XRP-ETH": "XRPETH"}
    assert feed.start.isoformat() == "2019-10-11"
    assert feed.assets == ("instruments", "trades", "vendor_candles", "candles", "quality_reports")
    assert str(feed.options.base_url).rstrip("/") == "http://127.0.0.1:20080"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("calendar: 24/7", "calender: 24/7"), ["feeds.yaml:8", "feeds.xrpeth.calender", "'24/7'", "no such key"]),
        (("2019-10-11", "2019-13-11"), ["feeds.yaml:7", "feeds.xrpeth.start", "'2019-13-11'", "valid date"]),
        (("2019-10-11", "yesterday"), ["feeds.yaml:7", "feeds.xrpeth.start", "'yesterday'", "valid date"]),
        (("binance_vision", "binance"), ["feeds.xrpeth.source", "'binance'", "binance_vision", "simulated"]),
        (("{XRP-ETH: XRPETH}", "5"), ["feeds.xrpeth.symbols", "'5'", "dictionary"]),
        (("{XRP-ETH: XRPETH}", "[]"), ["feeds.xrpeth.symbols", "at least 1"]),
        (("XRP-ETH:", "XRP/ETH:"), ["feeds.yaml:5", "XRP/ETH", "safe in a path"]),
        (("XRP-ETH:", '"..":'), ["feeds.yaml:5", "'..'", "safe in a path"]),
        (("{XRP-ETH: XRPETH}", "[ETH, eth]"), ["feeds.xrpeth.symbols", "case"]),
        (("{XRP-ETH: XRPETH}", "[ETH, ETH]"), ["feeds.xrpeth.symbols", "once"]),
        (("trades, ", "tradez, "), ["feeds.xrpeth.tables", "tradez", "trades"]),
        (("calendar: 24/7", "calendar: MOON"), ["feeds.xrpeth.calendar", "'MOON'", "24/7"]),
        (("calendar: 24/7", "end: 2019-10-10"), ["feeds.xrpeth", "2019-10-10", "not before start"]),
        (("calendar: 24/7", "candles: {time: [7m]}"), ["feeds.xrpeth.candles", "7m"]),
        (("calendar: 24/7", "candles: {renko: [1m]}"), ["feeds.xrpeth.candles", "renko", "time"]),
        (("market: spot", "market: moon"), ["feeds.yaml:9", "feeds.xrpeth.options.market", "'moon'", "spot"]),
        (("market: spot", "markt: spot"), ["feeds.xrpeth.options.markt", "no such key"]),
        (("  xrpeth:", "  xrp eth:"), ["'xrp eth'", "asset group"]),
        (("  xrpeth:", "  xrp-eth:"), ["feeds.yaml:3", "'xrp-eth'", "asset group"]),
        (("    source: binance_vision\n", ""), ["feeds.xrpeth.source", "absent"]),
        (("feeds:", "feed:"), ["feeds.yaml", "'feeds'"]),
        (
            ("calendar: 24/7", "rules: {trades: {relax: {price_is_positive: no}}}"),
            ["feeds.yaml:8", "feeds.xrpeth.rules.trades.relax.price_is_positive", "at least 10"],
        ),
        (
            ("calendar: 24/7", "rules: {quotes: {relax: {bid_is_positive: they are spreads}}}"),
            ["feeds.yaml:8", "feeds.xrpeth.rules", "trades", "not quotes"],
        ),
        (
            ("calendar: 24/7", "rules: {trades: {tighten: {price: {reason: no limit is given}}}}"),
            ["feeds.yaml:8", "feeds.xrpeth.rules.trades.tighten.price", "min, max or both"],
        ),
        (("calendar: 24/7", "budget: {run_usd: -1}"), ["feeds.yaml:8", "feeds.xrpeth.budget.run_usd", "greater"]),
        (("[instruments", "[[instruments"), ["feeds.yaml", "is not YAML"]),
    ],
)
def test_a_mistake_is_refused_with_file_key_value_and_expectation(
    tmp_path: Path, change: tuple[str, str], words: list[str]
) -> None:
    assert change[0] in GOOD
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, GOOD.replace(*change))
    for word in words:
        assert word in str(refused.value)


def test_two_feeds_of_one_name_are_refused_with_the_line_of_the_second(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"feeds\.yaml:10: 'xrpeth' stands here a second time"):
        load(tmp_path, GOOD + GOOD.replace("\nfeeds:\n", ""))


def test_every_mistake_of_a_stanza_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, GOOD.replace("2019-10-11", "never").replace("market: spot", "market: moon"))
    assert len(str(refused.value).splitlines()) == 2


def test_symbols_that_yaml_would_take_for_something_else_stay_text(tmp_path: Path) -> None:
    feed = load(tmp_path, GOOD.replace("{XRP-ETH: XRPETH}", "[NO, 1000, 1e3, 2024-01-01]")).feeds["xrpeth"]
    assert list(feed.symbols) == ["NO", "1000", "1e3", "2024-01-01"]


def test_a_secret_written_into_the_file_by_mistake_is_not_repeated_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, GOOD.replace("market: spot", "market: spot, api_key: hunter2"))
    assert "api_key" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_settings_and_feeds_are_frozen(tmp_path: Path) -> None:
    settings = load(tmp_path, GOOD)
    with pytest.raises(ValueError, match="frozen"):
        settings.home = tmp_path  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ValueError, match="frozen"):
        settings.feeds["xrpeth"].source = "other"  # pyright: ignore[reportAttributeAccessIssue]


ALERTS = """
alerts:
  routes:
    - {channel: ops}
    - {channel: pager, severity: critical, feeds: [xrpeth]}
  repeat_after_hours: 6
"""


def test_alerts_are_routed_as_written(tmp_path: Path) -> None:
    alerts = load(tmp_path, GOOD + ALERTS).alerts
    assert (alerts.repeat_after_hours, alerts.keep_days) == (6, 90)
    there = ("ops", "pager", "mail")
    assert alerts.channels("critical", "xrpeth", there) == ("ops", "pager")
    assert alerts.channels("critical", "other", there) == ("ops",)
    assert alerts.channels("critical", None, there) == ("ops",)
    assert alerts.channels("info", "xrpeth", there) == ()


def test_without_routes_every_channel_is_told_warnings_and_what_is_graver(tmp_path: Path) -> None:
    alerts = load(tmp_path, GOOD).alerts
    assert alerts.channels("warning", "xrpeth", ["ops", "mail"]) == ("mail", "ops")
    assert alerts.channels("info", "xrpeth", ["ops", "mail"]) == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            ("severity: critical", "severity: fatal"),
            ["feeds.yaml:14", "alerts.routes.1.severity", "'fatal'", "'error'"],
        ),
        (("[xrpeth]", "[xrp]"), ["feeds.yaml:14", "alerts.routes.1.feeds", "no feed xrp; expected out of xrpeth"]),
        (("{channel: ops}", "{}"), ["feeds.yaml:13", "alerts.routes.0.channel", "absent"]),
        (("channel: ops", "channel: OPS"), ["feeds.yaml:13", "alerts.routes.0.channel", "'OPS'", "small letters"]),
        (("repeat_after_hours: 6", "repeat_after: 6"), ["feeds.yaml:15", "alerts.repeat_after", "no such key"]),
        (("hours: 6", "hours: 0"), ["feeds.yaml:15", "alerts.repeat_after_hours", "greater than 0"]),
        (("alerts:", "alert:"), ["feeds.yaml:11", "alert", "expected 'feeds' and, perhaps, 'alerts' and 'upkeep'"]),
    ],
)
def test_a_mistake_in_the_alerts_is_refused_with_its_place(
    tmp_path: Path, change: tuple[str, str], words: list[str]
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, GOOD + ALERTS.replace(*change))
    for word in words:
        assert word in str(refused.value)


@pytest.mark.parametrize(
    "place", ["{channel: slack://hunter2/x}", "{channel: ops, url: slack://hunter2/x}", "slack://hunter2"]
)
def test_an_address_in_the_file_is_refused_and_not_repeated(tmp_path: Path, place: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, GOOD + ALERTS.replace("{channel: ops}", place))
    assert "hunter2" not in str(refused.value)


def test_channels_come_from_the_environment_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(
        "MARKET_DATA_ALERTS_OPS=json://file\nMARKET_DATA_ALERTS_MAIL=mailto://file\nMARKET_DATA_ALERTS_NONE=\n"
    )
    monkeypatch.setenv("MARKET_DATA_ALERTS_OPS", "json://environment")
    channels = alert_channels()
    assert {name: url.get_secret_value() for name, url in channels.items()} == {
        "ops": "json://environment",
        "mail": "mailto://file",
    }
    assert "environment" not in repr(channels)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml: cannot be read .* MARKET_DATA_CONFIG names it"):
        load_settings(catalog(), Environment(home=tmp_path, config=tmp_path / "nowhere.yaml"))


def test_home_and_config_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.yaml").write_text(GOOD, encoding="utf-8")
    monkeypatch.setenv("MARKET_DATA_CONFIG", str(tmp_path / "mine.yaml"))
    monkeypatch.setenv("MARKET_DATA_HOME", str(tmp_path / "else"))
    settings = load_settings(catalog())
    assert list(settings.feeds) == ["xrpeth"]
    assert settings.warehouse == tmp_path / "else" / "warehouse"


def test_the_packaged_feeds_load_without_any_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MARKET_DATA_CONFIG", raising=False)
    assert {"demo", "demo_defects"} <= set(load_settings(catalog()).feeds)


def test_history_is_kept_for_ever_or_for_so_many_days(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD).upkeep.history_ns is None
    found = load(tmp_path, f"{GOOD}\nupkeep: {{history: 90d, compact_below_mb: 2}}").upkeep
    assert (found.history_ns, found.compact_below_mb) == (90 * 24 * 3_600 * 10**9, 2)
    with pytest.raises(ConfigurationError, match=r"upkeep.history = '3 months': expected a number of days such as 90d"):
        load(tmp_path, f"{GOOD}\nupkeep: {{history: 3 months}}")
