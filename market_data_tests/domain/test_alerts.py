"""What becomes of an alert, whatever is seen in whatever order."""

import dataclasses
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_data.domain.alerts import (
    SEVERITIES,
    Alert,
    Cause,
    Event,
    acknowledged,
    due,
    ended,
    grouped,
    rank,
    seen,
    told,
)
from market_data.domain.messages import Message, bundled, message
from market_data.domain.partition import Partition
from market_data.domain.ports.check import Severity
from market_data.domain.time import NS_PER_HOUR, NS_PER_MINUTE

REPEAT = 24 * NS_PER_HOUR
HAPPENING = st.one_of(st.sampled_from(["end", "ack", "nothing"]), st.sampled_from(SEVERITIES))


def cause(severity: Severity = "error", **changes: object) -> Cause:
    return dataclasses.replace(Cause("check", severity, "rows are missing", feed="sim", table="trades"), **changes)


def life(happenings: list[tuple[str, int]]) -> list[tuple[int, Event, Alert]]:
    """What is told when these things happen, each so many minutes after the one before."""
    alert: Alert | None = None
    said: list[tuple[int, Event, Alert]] = []
    now = 1
    for what, minutes in happenings:
        now += minutes * NS_PER_MINUTE
        if what in SEVERITIES:
            alert = seen(alert, cause(what), now, REPEAT)
        if alert is None:
            continue
        alert = ended(alert, now) if what == "end" else acknowledged(alert, now) if what == "ack" else alert
        event = due(alert, now, REPEAT)
        if event is not None:
            alert = told(alert, event, now)
            said.append((now, event, alert))
        assert due(alert, now, REPEAT) is None, "told, it is not due any more"
    return said


@given(st.lists(st.tuples(HAPPENING, st.integers(0, 3_000)), max_size=60))
def test_beginnings_and_ends_take_turns_and_nothing_is_told_twice(happenings: list[tuple[str, int]]) -> None:
    goes_on = False
    for _, event, _ in life(happenings):
        if event in {"raised", "again"}:
            assert not goes_on
        else:
            assert goes_on
        goes_on = event != "resolved"


@given(st.lists(st.tuples(st.sampled_from(["error", "end"]), st.integers(1, 9)), min_size=1, max_size=300))
def test_what_comes_and_goes_is_told_less_and_less_often(happenings: list[tuple[str, int]]) -> None:
    said = life(happenings)
    minutes = sum(minutes for _, minutes in happenings)
    beginnings = sum(event in {"raised", "again"} for _, event, _ in said)
    assert 15 * (2 ** (beginnings - 1) - 1) <= minutes


@given(st.lists(st.sampled_from(SEVERITIES), min_size=1, max_size=20))
def test_of_one_call_the_gravest_counts_and_every_sighting(severities: list[Severity]) -> None:
    days = [Partition("sim", dt.date(2024, 1, 1) + dt.timedelta(n), "AAA") for n in range(len(severities))]
    causes = [cause(severity, partitions=(day,)) for severity, day in zip(severities, days, strict=True)]
    ((merged, count),) = grouped(causes)
    assert merged.severity == max(severities, key=rank)
    assert (merged.partitions, count) == (tuple(days), len(severities))


@pytest.mark.parametrize(
    ("happenings", "events"),
    [
        ([("error", 0), ("error", 60), ("error", 24 * 60)], ["raised", "repeated"]),
        ([("error", 0), ("nothing", 48 * 60)], ["raised"]),
        ([("error", 0), ("error", 60), ("nothing", 24 * 60)], ["raised", "repeated"]),
        ([("warning", 0), ("ack", 5), ("warning", 48 * 60), ("end", 5)], ["raised", "resolved"]),
        ([("warning", 0), ("ack", 5), ("error", 5), ("error", 25 * 60)], ["raised", "worse", "repeated"]),
        ([("error", 0), ("warning", 5), ("error", 5)], ["raised"]),
        ([("error", 0), ("end", 5), ("error", 5), ("end", 5)], ["raised", "resolved"]),
        ([("error", 0), ("end", 5), ("error", 5), ("nothing", 10)], ["raised", "resolved", "again"]),
        ([("error", 0), ("end", 5), ("critical", 5)], ["raised", "resolved", "again"]),
        ([("error", 0), ("end", 5), ("error", 24 * 60)], ["raised", "resolved", "raised"]),
    ],
)
def test_an_alert_is_told(happenings: list[tuple[str, int]], events: list[Event]) -> None:
    assert [event for _, event, _ in life(happenings)] == events


def test_a_bundle_names_every_alert_however_long_the_words_are() -> None:
    messages = [
        message(Alert(cause("error", table=f"t{n}", text="words " * 500), 1, 1, id=n + 1), "raised") for n in range(20)
    ]
    said = bundled([*messages, Message("[resolved] it", "good", "error", is_good=True)])
    assert said.title == "21 alerts: 20 error, 1 resolved"
    assert all(f"t{n}: rows are missing" in said.text for n in range(20))
    assert len(said.text) <= 3_000
    assert not said.is_good


def test_what_comes_back_is_told_though_the_clock_was_set_back_since() -> None:
    now = 100 * REPEAT
    alert = told(seen(None, cause(), now, REPEAT), "raised", now)
    alert = told(ended(alert, now), "resolved", now)
    alert = seen(alert, cause(), now - NS_PER_MINUTE, REPEAT)
    assert due(alert, now - NS_PER_MINUTE, REPEAT) is None
    assert due(alert, now - REPEAT, REPEAT) == "again"
