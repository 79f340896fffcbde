"""The bounds of bars."""

from typing import Any

import pytest

from market_data.domain.checks.ohlc import CHECK
from market_data.domain.ports.check import Finding
from market_data_tests.partition_view import MemoryView, bar, flat_bar, frame, nothing


def judged(*bars: dict[str, Any]) -> Finding:
    view = MemoryView({"candles": frame("candles", bars)})
    (finding,) = CHECK.run(view)
    return finding


def test_sound_bars_pass_in_both_tables():
    bars = [bar(0), flat_bar(1)]
    view = MemoryView({name: frame(name, bars) for name in CHECK.tables})
    findings = CHECK.run(view)
    assert [(each.table, each.passed, each.measured, each.severity) for each in findings] == [
        ("candles", True, 0.0, "info"),
        ("vendor_candles", True, 0.0, "info"),
    ]
    assert findings[0].detail["bars"] == 2
    assert set(findings[0].detail["broken"].values()) == {0}
    assert findings[0].detail["nulls"] == {"vwap": 1}
    assert findings[0].detail["skipped"] == {}


@pytest.mark.parametrize(
    ("values", "rules"),
    [
        ({"low": "1.15"}, {"low_is_not_above_open"}),
        ({"low": "1.15", "open": "1.2", "close": "1.1", "vwap": "1.2"}, {"low_is_not_above_close"}),
        ({"open": "1.300000001"}, {"open_is_not_above_high"}),
        ({"close": "1.4"}, {"close_is_not_above_high"}),
        (
            {"low": "1.3", "high": "1.2", "open": "1.3", "close": "1.3", "volume": "0", "vwap": None},
            {"low_is_not_above_high", "open_is_not_above_high", "close_is_not_above_high"},
        ),
        ({"vwap": "0.999999999999999999"}, {"vwap_is_between_low_and_high"}),
        ({"vwap": "1.300000000000000001"}, {"vwap_is_between_low_and_high"}),
        ({"volume": "-0.000000001"}, {"volume_is_not_negative"}),
        ({"trade_count": 0}, {"trade_count_is_positive_where_volume_is"}),
    ],
)
def test_a_broken_bound_is_named_and_counted(values: dict[str, Any], rules: set[str]):
    finding = judged(bar(0), bar(1, **values), bar(2))
    assert not finding.passed
    assert (finding.measured, finding.threshold, finding.severity) == (1.0, 0.0, "error")
    assert {rule for rule, count in finding.detail["broken"].items() if count} == rules
    assert [row["ts_open"] for row in finding.detail["first"]] == ["2024-05-08T00:01:00.000000000Z"]


def test_a_bar_that_breaks_two_rules_is_one_offending_bar():
    finding = judged(bar(0, open="2", close="2"))
    assert finding.measured == 1.0
    assert sum(finding.detail["broken"].values()) == 2


@pytest.mark.parametrize("price", ["-37.63", "1"])
def test_vwap_may_stand_at_the_bounds_themselves(price: str):
    assert judged(bar(0, open=price, high=price, low=price, close=price, vwap=price)).passed


def test_what_the_vendor_does_not_publish_is_skipped_and_said():
    finding = judged(bar(0, vwap=None, trade_count=None), bar(1, volume=None, vwap="9", trade_count=None), bar(2))
    assert finding.passed
    assert finding.detail["nulls"] == {"volume": 1, "vwap": 1, "trade_count": 2}
    assert finding.detail["skipped"] == {
        "vwap_is_between_low_and_high": 2,
        "volume_is_not_negative": 1,
        "trade_count_is_positive_where_volume_is": 2,
    }


def test_only_the_first_offending_bars_are_shown_exactly():
    finding = judged(*(bar(minute, open="2.000000001") for minute in range(9)))
    assert finding.measured == 9.0
    assert len(finding.detail["first"]) == 5
    assert finding.detail["first"][0] == {
        "kind": "time",
        "timeframe": "1m",
        "instrument_id": "XRPETH",
        "publisher_id": None,
        "ts_open": "2024-05-08T00:00:00.000000000Z",
        "open": "2.000000001",
        "high": "1.3",
        "low": "1",
        "close": "1.2",
        "volume": "10",
        "vwap": "1.2",
        "trade_count": 3,
    }


def test_a_table_without_rows_passes_and_one_that_does_not_exist_is_not_judged():
    (finding,) = CHECK.run(MemoryView({"candles": nothing("candles")}))
    assert finding.passed
    assert finding.detail["bars"] == 0
    findings = CHECK.run(MemoryView({}))
    assert [finding.table for finding in findings] == ["candles", "vendor_candles"]
    assert all(finding.passed and finding.detail["note"].startswith("nothing to judge") for finding in findings)
