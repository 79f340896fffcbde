"""A generated week with defects of every kind at known places: each check finds its own, and no other fires."""

from pathlib import Path

import pytest

from market_data.domain.checks import check_names
from market_data_tests.planted.defects import DEFECTS
from market_data_tests.planted.verdicts import found, tables, verdict
from market_data_tests.planted.week import DAYS, ILLIQUID, clean_day, halt

PAGE = Path(__file__).resolve().parents[3] / "docs" / "quality.md"


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_is_found_by_its_own_check_alone_and_counted_exactly(name: str):
    assert verdict(name).found == {
        (verdict(name).planted.check, verdict(name).planted.rule): verdict(name).planted.count
    }


def test_every_check_has_a_defect_planted_for_it():
    assert {verdict(name).planted.check for name in DEFECTS} == set(check_names())


@pytest.mark.parametrize("day", range(DAYS))
def test_a_clean_day_passes_every_check(day: int):
    assert found(clean_day(day)) == {}


@pytest.mark.parametrize("trades_per_day", ILLIQUID)
def test_an_illiquid_day_passes_every_check(trades_per_day: int):
    assert [found(clean_day(day, trades_per_day)) for day in range(3)] == [{}, {}, {}]


def test_a_halt_is_no_gap():
    assert found(halt(clean_day(1))) == {}


def test_the_page_tells_what_is_measured():
    assert tables() in PAGE.read_text(encoding="utf-8"), "run `make docs`"
