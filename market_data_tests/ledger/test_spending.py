"""What may be spent: a purchase is entered before it is made, and no dollar is spent twice."""

import datetime as dt
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from market_data.domain.errors import OverBudget
from market_data.domain.partition import Partition
from market_data.ledger.ledger import Ledger
from market_data.ledger.spending import Allowance
from market_data_tests.databases import ledger_url

PARTITION = Partition("es", dt.date(2024, 1, 15), "ES")
WITHOUT_LIMIT = Allowance(None, None)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(ledger_url(tmp_path))


def spend(ledger: Ledger, usd: float, run: str = "run-1", allowed: Allowance = WITHOUT_LIMIT, feed: str = "es") -> None:
    partition = Partition(feed, PARTITION.date, PARTITION.symbol)
    ledger.spending.enter(partition, "trades", run, usd, "trades of ES", allowed)


def today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


@pytest.mark.parametrize(
    ("allowed", "words"),
    [
        (
            Allowance(1.0, None),
            r"trades of ES would cost 0\.5000 USD \(0\.6000 USD are spent already\), .* 1 USD a run",
        ),
        (Allowance(None, 1.0), r"raise day_usd of the feed's budget, or run `market-data ingest es .* --allow-cost`"),
    ],
)
def test_above_the_budget_of_a_run_or_a_day_nothing_is_entered(ledger: Ledger, allowed: Allowance, words: str) -> None:
    spend(ledger, 0.6, allowed=allowed)
    with pytest.raises(OverBudget, match=words):
        spend(ledger, 0.5, allowed=allowed)
    spend(ledger, 0.4, allowed=allowed)  # exactly to the limit
    assert ledger.spending.of_run("es", "run-1") == ledger.spending.of_day("es", today()) == 1.0


def test_runs_have_budgets_of_their_own_and_share_the_days(ledger: Ledger) -> None:
    allowed = Allowance(1.0, 1.5)
    spend(ledger, 1.0, "run-1", allowed)
    with pytest.raises(OverBudget, match="1 USD a run"):
        spend(ledger, 0.1, "run-1", allowed)
    with pytest.raises(OverBudget, match=r"1\.5 USD a day"):
        spend(ledger, 0.6, "run-2", allowed)
    spend(ledger, 0.5, "run-2", allowed)


def test_feeds_do_not_spend_each_others_money(ledger: Ledger) -> None:
    spend(ledger, 5.0, feed="nq")
    spend(ledger, 1.0, allowed=Allowance(1.0, 1.0))
    assert ledger.spending.of_day("nq", today()) == 5.0


def test_what_was_spent_on_another_day_does_not_count_for_today(ledger: Ledger) -> None:
    spend(ledger, 5.0)
    assert ledger.spending.of_day("es", today() - dt.timedelta(days=1)) == 0.0


def test_what_costs_nothing_is_not_entered(ledger: Ledger) -> None:
    spend(ledger, 0.0, allowed=Allowance(0.0, 0.0))
    with pytest.raises(OverBudget):
        spend(ledger, 0.01, allowed=Allowance(0.0, 0.0))


def test_a_question_whether_it_may_be_spent_spends_nothing(ledger: Ledger) -> None:
    ledger.spending.must_be_allowed("es", "run-1", 1.0, "a run", Allowance(1.0, 1.0))
    assert ledger.spending.of_run("es", "run-1") == 0.0


def _try(url: str, feed: str, number: int) -> bool:
    ledger = Ledger(url)
    try:
        spend(ledger, 1.0, f"run-{number}", Allowance(None, 3.0), feed)
    except OverBudget:
        return False
    finally:
        ledger.close()
    return True


def test_processes_at_once_do_not_spend_the_same_dollar(tmp_path: Path, ledger: Ledger) -> None:
    if dt.datetime.now(dt.UTC).hour == 23 and dt.datetime.now(dt.UTC).minute == 59:
        time.sleep(60)  # the budget is a day's, and the day must not end meanwhile
    rounds, tries = range(6), range(12)
    with ProcessPoolExecutor(max_workers=4) as pool:
        for each in rounds:
            spent = list(pool.map(_try, [ledger_url(tmp_path)] * len(tries), [f"es{each}"] * len(tries), tries))
            assert sum(spent) == 3
    assert [ledger.spending.of_day(f"es{each}", today()) for each in rounds] == [3.0] * len(rounds)
