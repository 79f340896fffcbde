"""Every scenario, small: nothing is lost, and what was refused is whole after the recovery."""

from pathlib import Path

import pytest

from market_data_tests.faults.scenario import SMALL, CannotRun, scenarios


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", scenarios())
def test_a_fault_loses_nothing_and_the_next_run_makes_all_whole(name: str, tmp_path: Path) -> None:
    try:
        figures = scenarios()[name].run(tmp_path, SMALL)
    except CannotRun as reason:
        pytest.skip(str(reason))
    print(figures)
    assert figures.attempted == figures.whole + figures.refused + figures.left
    assert figures.lost == 0
    assert figures.recovered == figures.attempted
