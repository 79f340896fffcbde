"""Our bars against the vendor's: what must be equal, and what may be absent."""

from collections.abc import Sequence
from typing import Any

import pytest

from market_data.domain.checks.vendor_candles import CHECK
from market_data.domain.ports.check import Finding
from market_data_tests.partition_view import MemoryView, bar, flat_bar, frame, nothing

Bars = Sequence[dict[str, Any]]


def compared(ours: Bars, theirs: Bars, *, previous_close_known: bool = True) -> list[Finding]:
    rows = {"candles": frame("candles", ours), "vendor_candles": frame("vendor_candles", theirs)}
    return list(CHECK.run(MemoryView(rows, notes={"candles": {"previous_close_known": previous_close_known}})))


def test_equal_bars_pass_with_a_finding_for_each_shared_timeframe():
    ours = [bar(0), bar(1), flat_bar(2), bar(0, timeframe="5m"), bar(0, timeframe="1h"), bar(0, kind="tick")]
    theirs = [bar(0), bar(1), flat_bar(2), bar(0, timeframe="5m"), bar(0, timeframe="3d")]
    findings = compared(ours, theirs)
    assert [(each.detail["timeframe"], each.detail["equal"], each.passed) for each in findings] == [
        ("1m", 3, True),
        ("5m", 1, True),
    ]
    assert all((each.table, each.check, each.measured) == ("candles", "vendor_candles", 0.0) for each in findings)
    assert (findings[0].detail["only_here"], findings[0].detail["only_there"]) == (["1h"], ["3d"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("open", "1.100000001"),
        ("high", "1.300000001"),
        ("low", "0.999999999"),
        ("close", "1.2000001"),
        ("volume", "10.000000001"),
        ("quote_volume", "12.000000000000000001"),
        ("trade_count", 4),
    ],
)
def test_the_last_digit_of_any_value_makes_a_difference(name: str, value: Any):
    (finding,) = compared([bar(0), bar(1)], [bar(0), bar(1, **{name: value})])
    assert (finding.passed, finding.severity, finding.measured) == (False, "error", 1.0)
    assert finding.detail["different_in"] == {name: 1}
    (first,) = finding.detail["first"]
    assert first["ts_open"] == "2024-05-08T00:01:00.000000000Z"
    assert first["there"] == {name: str(value)}
    assert first["here"] == {name: str(bar(1)[name])}


def test_what_the_vendor_does_not_publish_is_not_compared_and_said():
    unpublished = {"quote_volume": None, "vwap": None, "trade_count": None}
    (finding,) = compared([bar(0), bar(1), flat_bar(2)], [bar(0, **unpublished), bar(1), flat_bar(2)])
    assert finding.passed
    assert finding.detail["equal"] == 3
    assert finding.detail["not_published"] == {"quote_volume": 1, "vwap": 1, "trade_count": 1}


def test_another_rounding_of_vwap_is_counted_and_does_not_fail():
    (finding,) = compared([bar(0)], [bar(0, vwap="1.19999999")])
    assert finding.passed
    assert (finding.detail["equal"], finding.detail["vwap_different"]) == (1, 1)


def test_a_bar_that_only_the_vendor_has_fails():
    (finding,) = compared([bar(0)], [bar(0), bar(1), flat_bar(2)])
    assert (finding.passed, finding.measured, finding.detail["absent_here"]) == (False, 2.0, 2)
    assert finding.detail["first"][0]["here"] is None


def test_a_bar_with_volume_that_only_we_have_fails_and_a_flat_one_does_not():
    (finding,) = compared([bar(0), bar(1), flat_bar(2)], [bar(0)])
    assert (finding.passed, finding.measured) == (False, 1.0)
    assert (finding.detail["absent_there"], finding.detail["halt_or_not_published"]) == (1, 1)
    (finding,) = compared([bar(0), flat_bar(1)], [bar(0)])
    assert finding.passed


def test_leading_empty_bars_are_forgiven_where_the_previous_close_is_unknown():
    ours, theirs = [bar(2), bar(3)], [flat_bar(0), flat_bar(1), bar(2), bar(3)]
    (finding,) = compared(ours, theirs, previous_close_known=False)
    assert finding.passed
    assert (finding.detail["previous_close_unknown"], finding.detail["absent_here"]) == (2, 0)
    (finding,) = compared(ours, theirs, previous_close_known=True)
    assert (finding.passed, finding.measured) == (False, 2.0)


def test_with_an_unknown_previous_close_neither_later_bars_nor_traded_ones_are_forgiven():
    ours, theirs = [bar(2)], [bar(0), flat_bar(1), bar(2), flat_bar(3)]
    (finding,) = compared(ours, theirs, previous_close_known=False)
    assert (finding.measured, finding.detail["previous_close_unknown"]) == (2.0, 1)


def test_the_first_bar_is_each_instruments_own():
    ours = [bar(0), bar(2, instrument_id="B")]
    theirs = [bar(0), flat_bar(1), flat_bar(1, instrument_id="B"), bar(2, instrument_id="B")]
    (finding,) = compared(ours, theirs, previous_close_known=False)
    assert (finding.detail["absent_here"], finding.detail["previous_close_unknown"]) == (1, 1)


def test_publishers_are_told_apart_and_none_equals_none():
    (finding,) = compared([bar(0, publisher_id=1), bar(0)], [bar(0, publisher_id=2), bar(0)])
    assert (finding.detail["equal"], finding.detail["absent_here"], finding.detail["absent_there"]) == (1, 1, 1)


def test_a_feed_without_vendor_candles_has_nothing_to_compare_with():
    view = MemoryView({"candles": frame("candles", [bar(0)])}, tables=("trades", "candles"))
    (finding,) = CHECK.run(view)
    assert (finding.passed, finding.severity) == (True, "info")
    assert finding.detail["note"].startswith("nothing to compare with")


@pytest.mark.parametrize("present", [(), ("candles",), ("vendor_candles",)])
def test_a_side_that_is_not_materialized_fails_as_a_warning_and_is_named(present: tuple[str, ...]):
    (finding,) = CHECK.run(MemoryView({name: frame(name, [bar(0)]) for name in present}))
    assert (finding.passed, finding.severity) == (False, "warning")
    missing = [name for name in ("candles", "vendor_candles") if name not in present]
    assert finding.detail["note"] == f"{' and '.join(missing)} of the day must be materialized first"


def test_a_day_on_which_one_side_has_no_bar_at_all_is_compared_all_the_same():
    (finding,) = compared([], [bar(0), flat_bar(1)], previous_close_known=False)
    assert (finding.passed, finding.measured, finding.detail["previous_close_unknown"]) == (False, 1.0, 1)
    (finding,) = compared([bar(0)], [])
    assert (finding.passed, finding.detail["absent_there"]) == (False, 1)


@pytest.mark.parametrize(("ours", "theirs"), [([], []), ([bar(0, timeframe="1h")], [bar(0)])])
def test_sides_without_a_shared_timeframe_have_nothing_to_compare(ours: Bars, theirs: Bars):
    (finding,) = compared(ours, theirs)
    assert (finding.passed, finding.severity) == (True, "info")
    assert finding.detail["note"] == "nothing to compare: no timeframe has bars on both sides"


def test_only_the_first_differences_are_shown():
    (finding,) = compared([bar(minute) for minute in range(9)], [bar(minute, close="1.1") for minute in range(9)])
    assert finding.measured == 9.0
    assert len(finding.detail["first"]) == 5


def test_an_empty_side_does_not_matter_to_the_types():
    view = MemoryView({name: nothing(name) for name in ("candles", "vendor_candles")})
    assert all(finding.passed for finding in CHECK.run(view))
