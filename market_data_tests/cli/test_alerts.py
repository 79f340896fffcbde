"""`market-data alerts`: lists, acknowledges, ends, cleans up, and tries the channels."""

import datetime as dt
import json
from pathlib import Path

import pytest

from market_data.operations.alerting import raise_alerts, resolve_alerts
from market_data.pipeline.workspace import opened
from market_data_tests.alerts.conftest import late
from market_data_tests.cli.conftest import Home
from market_data_tests.vendors.webhook import PASSWORD, Webhook, webhook

__all__ = ["webhook"]

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture(autouse=True)
def _no_channels_of_whoever_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the working folder may have a `.env`


@pytest.fixture
def alerted(empty_home: Home) -> Home:
    """Two open alerts and one that ended."""
    with opened(empty_home.settings) as workspace:
        raise_alerts(workspace, [late(15, 16), late(15, table="quotes"), late(15, feed="xrpeth")], NOW, {})
        resolve_alerts(workspace, [late(table="quotes").key], NOW, {})
    return empty_home


def messages_of(alert: dict[str, object]) -> list[dict[str, object]]:
    messages = alert["messages"]
    assert isinstance(messages, list)
    return messages


def listed(home: Home, *words: str) -> list[dict[str, object]]:
    return json.loads("".join(home.lines("alerts", *words, "--json")))


def test_open_alerts_are_listed_and_the_others_on_request(alerted: Home) -> None:
    assert [alert["id"] for alert in listed(alerted)] == [3, 1]
    assert [alert["id"] for alert in listed(alerted, "--all")] == [3, 2, 1]
    (alert,) = listed(alerted, "--feed", "sim")
    assert alert["key"] == late().key
    assert alert["partitions"] == [{"feed": "sim", "symbol": "AAA-USD", "date": f"2024-01-{day}"} for day in (15, 16)]
    assert (alert["state"], alert["occurrences"], alert["resolved"]) == ("open", 1, None)
    lines = alerted.lines("alerts", "--all")
    assert len(lines) == 5
    assert "trades: days are late" in lines[-1]


def test_no_alert_is_said(empty_home: Home) -> None:
    assert empty_home.lines("alerts") == ["no alert is open"]
    assert listed(empty_home) == []


def test_an_alert_is_acknowledged(alerted: Home) -> None:
    assert alerted.lines("alerts", "ack", "1") == ["alert 1 is acknowledged: days are late"]
    assert [alert["state"] for alert in listed(alerted)] == ["open", "acknowledged"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ack", "7"], "there is no alert 7; `market-data alerts --all` lists those there are"),
        (["ack", "99999999999999999999"], "there is no alert 9"),
        (["ack", "2"], "alert 2 has ended"),
        (["resolve", "7"], "there is no alert 7"),
        (["--feed", "nope"], "has no feed 'nope'"),
        (["nope"], "No such command"),
    ],
)
def test_what_there_is_not_is_wrong_usage(alerted: Home, words: list[str], said: str) -> None:
    result = alerted.run("alerts", *words)
    assert (result.exit_code, said in result.stderr) == (2, True)


def test_an_alert_that_nobody_watches_is_ended_by_hand_and_told(
    empty_home: Home, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(empty_home.settings) as workspace:
        raise_alerts(workspace, [late(15)], NOW, {"ops": webhook.url})
    webhook.refusals = [503]
    monkeypatch.setenv("MARKET_DATA_ALERTS_OPS", webhook.url.get_secret_value())
    result = empty_home.run("alerts", "resolve", "1")
    assert (result.exit_code, result.stdout) == (0, "alert 1 is resolved\n")
    assert "ops was not told: " in result.stderr
    assert listed(empty_home) == []
    (alert,) = listed(empty_home, "--all")
    assert [(each["channel"], each["event"], each["state"]) for each in messages_of(alert)] == [
        ("ops", "raised", "sent"),
        ("ops", "resolved", "waiting"),
    ]
    assert "ops waits" in empty_home.lines("alerts", "--all")[-1]


def test_old_ones_are_cleaned_up(alerted: Home) -> None:
    assert alerted.lines("alerts", "clean") == ["removed 0 alerts"]
    assert alerted.lines("alerts", "clean", "--days", "0") == ["removed 1 alerts"]
    assert [alert["id"] for alert in listed(alerted, "--all")] == [3, 1]


def test_every_channel_is_tried_and_what_came_of_it_is_said(
    empty_home: Home, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARKET_DATA_ALERTS_OPS", webhook.url.get_secret_value())
    assert empty_home.lines("alerts", "test") == ["ops (json): told"]
    assert webhook.titles == ["[info] a test of market-data"]
    monkeypatch.setenv("MARKET_DATA_ALERTS_BAD", f"json://{PASSWORD}@127.0.0.1:9/")
    result = empty_home.run("alerts", "test")
    assert result.exit_code == 1
    bad, good = result.stdout.splitlines()
    assert bad.startswith("bad (json): failed: ")
    assert good == "ops (json): told"
    assert PASSWORD not in result.output


def test_without_a_channel_the_test_says_how_to_have_one(empty_home: Home) -> None:
    result = empty_home.run("alerts", "test")
    assert (result.exit_code, "set MARKET_DATA_ALERTS_<NAME> in the environment" in result.stderr) == (2, True)
