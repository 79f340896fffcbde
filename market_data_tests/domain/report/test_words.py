"""What a finding's detail says, in words and as places in time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_data.domain.report.words import Mark, example, in_words, marks
from market_data.domain.time import NS_PER_SECOND

T = 1_705_276_800 * NS_PER_SECOND
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda each: st.lists(each) | st.dictionaries(st.text() | st.sampled_from(["first", "share", "from", "at"]), each),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ({"unit": "bars", "compared": 1_440, "different": 0, "halts": {}}, "compared 1,440"),
        ({"mismatch": "5 are missing", "first_id": 19_737_000_000_001}, "5 are missing; first id 19,737,000,000,001"),
        ({"note": "nothing to compare"}, "nothing to compare"),
        ({"bars": 3, "timeframe": "1m", "in": {"high": 2, "low": 0}}, "timeframe 1m, bars 3, in (high 2)"),
        ({"share": 0.000123}, "share 0.0123%"),
        ({"ids": [1, 2, 3, 4, 5, 6, 7, 8]}, "ids 1, 2, 3, 4, 5, 6 and 2 more"),
        ({"late": True, "at": "2024-01-15T00:00:01.500000000Z"}, "late yes, at 2024-01-15 00:00:01.5"),
    ],
)
def test_a_detail_in_words(detail: dict[str, object], said: str) -> None:
    assert in_words(detail) == said


def test_the_first_row_is_told_apart_its_time_first() -> None:
    detail = {"bars": 7, "first": [{"close": "2.5", "ts_open": "2024-01-15T00:01:00.000000000Z"}, {"close": "3"}]}
    assert in_words(detail) == "bars 7"
    assert example(detail) == "2024-01-15 00:01:00, close 2.5"
    assert not example({"first": []})


def test_instants_and_ranges_are_found_wherever_they_stand() -> None:
    detail = {
        "first": [{"ts_open": "2024-01-15T00:00:01.000000000Z", "ts_recv": "2024-01-15T00:00:09.000000000Z"}],
        "gaps": {"BTC": [{"from": "2024-01-15T00:00:02.000000000Z", "to": "2024-01-15T00:00:05.500000000Z"}]},
        "due_at": "2024-01-16T09:00:00.000000000Z",
        "at": "not a time",
    }
    second = NS_PER_SECOND
    assert set(marks(detail)) == {Mark(T + second, T + second), Mark(T + 2 * second, T + 5 * second + second // 2)}


@given(st.dictionaries(st.text() | st.sampled_from(["first", "mismatch", "timeframe", "ts_event"]), JSON))
def test_no_detail_is_too_odd(detail: dict[str, object]) -> None:
    assert isinstance(in_words(detail), str)
    assert isinstance(example(detail), str)
    assert all(mark.start <= mark.end for mark in marks(detail))
