"""Scores: always from 0 to 1, from findings alone, and a part that a feed does not have weighs nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_data.domain.ports.check import Dimension, Finding
from market_data.domain.quality import DIMENSIONS, Scores, Standard, Weights, as_findings, score_of, scores

DIMENSION_OF: dict[str, Dimension] = {"there": "completeness", "good": "quality", "agrees": "consistency"}
STANDARD = Standard()
ROWS = dict.fromkeys(["trades", "quotes", "candles", "vendor_candles", "instruments"], 100)


def finding(table: str, check: str, passed: bool = True, severity: Any = "error", share: Any = None) -> Finding:
    """One that tells, where there is a share, how many of the table's hundred rows are wrong."""
    measured = None if share is None else 100.0 * share
    return Finding(table, check, passed, severity, measured, detail={} if share is None else {"unit": "rows"})


def of(*findings: Finding, standard: Standard = STANDARD) -> Scores:
    return scores(findings, DIMENSION_OF, standard, ROWS)


@pytest.mark.parametrize(
    ("made", "score"),
    [
        (finding("trades", "good"), 1.0),
        (finding("trades", "good", share=0.3), 1.0),
        (finding("trades", "good", passed=False), 0.0),
        (finding("trades", "good", passed=False, severity="warning"), 0.5),
        (finding("trades", "good", passed=False, share=0.25), 0.75),
        (finding("trades", "good", passed=False, severity="critical", share=7), 0.0),
        (Finding("quotes", "good", False, "warning", 0.1, detail={"unit": "share of quotes"}), 0.9),
        (Finding("trades", "good", False, "warning", 3, detail={"unit": "gaps"}), 0.5),
    ],
)
def test_a_finding_scores_what_is_not_wrong(made: Finding, score: float) -> None:
    assert score_of(made, 100) == score


def test_the_weights_of_the_default_are_those_of_ticks_candles_and_instruments() -> None:
    found = of(
        finding("trades", "good", passed=False),
        finding("candles", "good"),
        finding("instruments", "good", passed=False, share=0.5),
    )
    assert found.parts["quality"] == {"ticks": 0.0, "candles": 1.0, "instruments": 0.5}
    assert found.dimensions["quality"] == pytest.approx((0.3 * 1.0 + 0.2 * 0.5) / 0.9)
    assert found.whole == found.dimensions["quality"]
    assert found.dimensions["completeness"] is None
    assert not found.passed


def test_the_weight_of_a_part_that_a_feed_does_not_have_is_spread() -> None:
    assert of(finding("vendor_candles", "good", passed=False, share=0.1)).whole == pytest.approx(0.9)


def test_a_feed_may_weigh_and_judge_otherwise() -> None:
    standard = Standard(quality=0.2, weights=Weights(ticks=0.0, candles=1.0))
    found = of(
        finding("trades", "good", passed=False), finding("candles", "good", passed=False, share=0.7), standard=standard
    )
    assert found.dimensions["quality"] == pytest.approx(0.3)
    assert found.passed


def test_without_findings_nothing_is_said() -> None:
    found = of()
    assert (found.whole, found.passed) == (None, True)
    assert [row.measured for row in as_findings(found, STANDARD)] == [None] * 4


FINDINGS = st.lists(
    st.builds(
        finding,
        st.sampled_from(["trades", "quotes", "candles", "vendor_candles", "instruments"]),
        st.sampled_from(list(DIMENSION_OF)),
        st.booleans(),
        st.sampled_from(["info", "warning", "error", "critical"]),
        share=st.floats(0, 1),
    ),
    max_size=12,
)


@given(FINDINGS)
def test_scores_lie_between_0_and_1_and_are_1_where_all_passed(findings: list[Finding]) -> None:
    found = of(*findings)
    values = [score for score in (*found.dimensions.values(), found.whole) if score is not None]
    assert all(0 <= value <= 1 + 1e-12 for value in values)
    if findings and all(each.passed for each in findings):
        assert all(value == pytest.approx(1) for value in values)
        assert found.passed


@given(FINDINGS, st.integers(0, 11))
def test_a_finding_that_gets_worse_raises_no_score(findings: list[Finding], which: int) -> None:
    if not findings:
        return
    worse = list(findings)
    changed = worse[which % len(worse)]
    worse[which % len(worse)] = Finding(changed.table, changed.check, False, "critical", 100.0, detail={"unit": "rows"})
    before, after = of(*findings), of(*worse)
    for dimension in DIMENSIONS:
        score = before.dimensions[dimension]
        assert score is None or (after.dimensions[dimension] or 0) <= score + 1e-9


def test_the_rows_of_a_report_tell_the_parts_and_the_thresholds() -> None:
    rows = as_findings(of(finding("trades", "there", passed=False, share=0.2)), STANDARD)
    assert [(row.check, row.passed, row.measured, row.threshold) for row in rows] == [
        ("score_completeness", False, 0.8, 0.95),
        ("score_quality", True, None, 0.9),
        ("score_consistency", True, None, 0.95),
        ("score", False, 0.8, None),
    ]
    assert rows[0].detail == {"unit": "score", "ticks": 0.8}
