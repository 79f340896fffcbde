"""Which columns are shown where there is not room for all."""

import pytest

from market_data.cli.console import columns_that_fit
from market_data.cli.query_results import _column


@pytest.mark.parametrize(
    ("widths", "room", "shown"),
    [
        ([10, 10, 10], 30, [0, 1, 2]),
        ([10, 10, 10], 29, [0, 2]),
        ([10, 10, 10], 5, [0]),
        ([5, 90, 5, 5], 20, [0, 2, 3]),
        ([], 9, []),
    ],
)
def test_the_first_and_last_columns_are_shown_before_those_between(
    widths: list[int], room: int, shown: list[int]
) -> None:
    assert columns_that_fit(widths, room) == shown


def test_a_column_of_decimals_has_as_many_digits_as_its_longest_needs() -> None:
    assert _column("DECIMAL(18,9)", ["1.500000000", "2.250000000", None]) == ["1.50", "2.25", "NULL"]
    assert _column("DECIMAL(18,9)", ["1.000000000"]) == ["1"]
    assert _column("VARCHAR", ["1.500"]) == ["1.500"]
