"""Rules that a feed relaxes or tightens: what is set aside changes with them, and the revision tells under which."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from market_data.domain.errors import ConfigurationError
from market_data.domain.partition import Partition
from market_data.pipeline.ingest import ingest
from market_data.pipeline.workspace import Outcome, opened
from market_data_tests.feeds import settings_of, simulated

DEFECTS: dict[str, Any] = {"seed": 1, "defects": True, "trades_per_day": {"AAA-USD": 400, "BBB-USD": 60}}
WHY = "the vendor's prices of this symbol are looked at by hand"


def made(folder: Path, rules: dict[str, Any], table: str = "trades") -> tuple[Outcome, pl.DataFrame]:
    """A table of a day with defects under these rules, and its quarantine."""
    settings = settings_of(folder, {"sim": simulated(options=DEFECTS, rules=rules)})
    feed = settings.feeds["sim"]
    partition = Partition("sim", feed.start, "AAA-USD")
    with opened(settings) as workspace:
        outcome = ingest(workspace, feed, table, partition)
        aside = workspace.warehouse.scan("quarantine", partition).collect()
    return outcome, aside.filter(pl.col("table") == table)


def accounted(outcome: Outcome) -> bool:
    """Whether every record that came is somewhere; that the simulated vendor announces more is one of its defects."""
    account = outcome.revision.account
    return account.records == account.accepted + account.deduplicated + account.rejected


def test_a_relaxed_rule_lets_its_rows_in_and_the_revision_says_so(tmp_path: Path) -> None:
    before, aside = made(tmp_path, {})
    assert "price_is_positive" in aside["rule"]
    after, still_aside = made(tmp_path, {"trades": {"relax": {"price_is_positive": WHY}}})
    let_in = aside.filter(pl.col("rule") == "price_is_positive").height
    assert let_in > 0
    assert after.revision.rows == before.revision.rows + let_in
    assert "price_is_positive" not in still_aside["rule"]
    assert after.changed
    assert not after.fetched
    assert after.revision.notes == {"rules": {"relaxed": {"price_is_positive": WHY}}}
    assert accounted(after)


def test_taking_the_rule_back_gives_the_first_rows_again(tmp_path: Path) -> None:
    before, _ = made(tmp_path, {})
    made(tmp_path, {"trades": {"relax": {"price_is_positive": WHY}}})
    after, _ = made(tmp_path, {})
    assert after.revision.sha256 == before.revision.sha256


def test_a_bound_sets_aside_what_is_beyond_it_with_the_reason(tmp_path: Path) -> None:
    before, _ = made(tmp_path, {})
    bound = {"max": "1.5", "reason": WHY}
    after, aside = made(tmp_path, {"trades": {"tighten": {"size": bound}}})
    beyond = aside.filter(pl.col("rule") == "size_is_within_the_feeds_bounds")
    assert 0 < beyond.height == before.revision.rows - after.revision.rows
    assert set(beyond["reason"]) == {f"size is beyond the feed's bounds: {WHY}"}
    assert after.revision.notes == {"rules": {"tightened": {"size": [None, "1.5"]}}}
    assert accounted(after)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"relax": {"price_is_even": WHY}}, "no rule 'price_is_even' to relax; expected one of price_fits"),
        ({"tighten": {"side": {"min": 1, "reason": WHY}}}, "'side' can have no bounds; expected one of ts_event"),
    ],
)
def test_a_rule_that_the_table_does_not_have_is_said_before_anything_is_fetched(
    tmp_path: Path, rules: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=rf"feeds\.yaml: feeds\.sim\.rules\.trades: .*{words}"):
        made(tmp_path, {"trades": rules})
    assert not (tmp_path / "home" / "landing" / "sim").exists()
