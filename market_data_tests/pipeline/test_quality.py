"""Checks through the warehouse: configured thresholds, the day before, another feed, one pass for all."""

from pathlib import Path
from typing import Any

import pytest

from market_data.domain.checks import check_names
from market_data.domain.ports.check import Finding
from market_data.pipeline.chain import materialize
from market_data.pipeline.quality import View
from market_data.pipeline.workspace import Outcome, Workspace, opened
from market_data.settings import Settings
from market_data_tests.feeds import settings_of, simulated

DAY = "2024-01-15"
DEFECTS: dict[str, Any] = {"seed": 1, "trades_per_day": {"AAA-USD": 400}, "defects": True}


def settings(folder: Path, **checks: Any) -> Settings:
    one = simulated(symbols=["AAA-USD"], options=DEFECTS, checks=checks)
    two = simulated(symbols={"A.USD": "AAA-USD"}, options={"seed": 1, "trades_per_day": {"A.USD": 400}})
    return settings_of(folder, {"one": one, "two": two})


def findings(workspace: Workspace, feed_name: str, symbol: str, day: int = 0) -> list[Finding]:
    feed = workspace.settings.feeds[feed_name]
    partition = feed.partition(symbol, feed.start.replace(day=feed.start.day + day))
    steps = list(materialize(workspace, feed, partition, feed.assets, []))
    assert all(isinstance(step, Outcome | Finding) for step in steps)
    return [step for step in steps if isinstance(step, Finding)]


def failed(found: list[Finding]) -> set[tuple[str, str]]:
    return {(finding.check, str(finding.detail.get("rule"))) for finding in found if not finding.passed}


def test_a_feeds_thresholds_decide_and_a_check_that_is_off_says_nothing(tmp_path: Path):
    with opened(settings(tmp_path)) as workspace:
        assert {("book", "crossed"), ("prices", "outliers")} <= failed(findings(workspace, "one", "AAA-USD"))
    relaxed = {"book": {"quotes": {"crossed": 5}}, "prices": {"enabled": False, "reason": "not now"}}
    with opened(settings(tmp_path, **relaxed)) as workspace:
        found = findings(workspace, "one", "AAA-USD")
    assert "book" in {finding.check for finding in found}
    assert "prices" not in {finding.check for finding in found}
    assert {"book", "prices"}.isdisjoint(check for check, _ in failed(found))


def test_another_feed_is_compared_by_its_own_symbol_when_it_is_there(tmp_path: Path):
    stanza = {"candles": {"feed": "two", "symbol": {"AAA-USD": "A.USD"}, "close_tolerance": 0.2}}
    with opened(settings(tmp_path, cross_vendor=stanza)) as workspace:
        (alone,) = (each for each in findings(workspace, "one", "AAA-USD") if each.check == "cross_vendor")
        assert "not there on both sides" in alone.detail["note"]
        findings(workspace, "two", "A.USD")
        (both,) = (each for each in findings(workspace, "one", "AAA-USD") if each.check == "cross_vendor")
    assert (both.detail["feed"], both.detail["symbol"]) == ("two", "A.USD")
    assert both.detail["bars"] > 100


def test_the_day_before_is_known_once_it_is_there(tmp_path: Path):
    with opened(settings(tmp_path)) as workspace:
        days = [findings(workspace, "two", "A.USD", day) for day in (0, 1)]
    notes = [each.detail.get("note") for found in days for each in found if each.check == "schema_drift"]
    assert set(notes[: len(notes) // 2]) == {"no day before"}
    assert set(notes[len(notes) // 2 :]) == {None}


def test_figures_of_all_checks_are_computed_together(tmp_path: Path):
    with opened(settings(tmp_path)) as workspace:
        findings(workspace, "one", "AAA-USD")
        feed = workspace.settings.feeds["one"]
        view = View(workspace, feed, feed.partition("AAA-USD", feed.start), feed.judged_by)
        assert view.figures("tape", "trades")["zero"] == 0
        assert view.figures("ordering", "trades")["received_before_it_happened"] == 5
        assert set(view._figures["trades"]) <= set(check_names())
        with pytest.raises(KeyError):
            view.figures("ohlc", "trades")
