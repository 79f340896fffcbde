"""Order proved as a stream equals order judged at once."""

from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_data.pipeline.order_check import Ascending

ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=30)


@given(rows=ROWS, cut=st.integers(1, 7), strictly=st.booleans())
def test_batches_do_not_change_the_verdict(rows: list[tuple[int, int]], cut: int, strictly: bool) -> None:
    proof = Ascending(("a", "b"), strictly=strictly)
    for start in range(0, len(rows), cut):
        proof.see(pl.DataFrame(rows[start : start + cut], schema={"a": pl.Int64, "b": pl.Int64}, orient="row"))
    pairs = pairwise(rows)
    assert proof.holds == all(left < right if strictly else left <= right for left, right in pairs)


def test_nulls_among_values_prove_nothing() -> None:
    proof = Ascending(("a",))
    proof.see(pl.DataFrame({"a": [1, None, 2]}))
    assert not proof.holds


@pytest.mark.parametrize("ids", [["3", "10", "11"], ["11", "3", "10"]])
def test_the_span_of_whole_numbers_is_kept_though_they_are_text(ids: list[str]) -> None:
    proof = Ascending(("id",), strictly=True, whole_numbers=True)
    proof.see(pl.DataFrame({"id": ids}))
    assert proof.span == (3, 11)
    assert proof.holds == (ids[0] == "3")
