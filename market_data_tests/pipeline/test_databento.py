"""Databento through the whole chain: bought once, landed, counted; what goes wrong leaves nothing half."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from market_data.domain.errors import DamagedDownload, OverBudget
from market_data.domain.partition import Partition
from market_data.pipeline.ingest import ingest
from market_data.pipeline.workspace import Workspace, opened
from market_data_tests.feeds import settings_of
from market_data_tests.sources.databento_case import DAY, FACTS, LAPSED, LISTED, MEANT, SYMBOL, TRADES, key, market
from market_data_tests.vendors import dbn_files as files
from market_data_tests.vendors.databento_api import COST, STREAM, DatabentoApi, Offer, databento_api
from market_data_tests.vendors.databento_jobs import SUBMIT
from market_data_tests.vendors.faults import cut_off

__all__ = ["databento_api", "key", "market"]

PARTITION = Partition("es", DAY, "ES")


def stanza(api: DatabentoApi, **options: Any) -> dict[str, Any]:
    return {
        "source": "databento",
        "symbols": {"ES": SYMBOL},
        "tables": ["trades", "vendor_candles"],
        "start": DAY.isoformat(),
        "options": {
            "dataset": "GLBX.MDP3",
            "schemas": ["trades", "ohlcv-1m"],
            "gateway": api.gateway,
            "ca_file": str(api.ca_file),
            **options,
        },
    }


@pytest.fixture
def workspace(market: DatabentoApi, tmp_path: Path) -> Iterator[Workspace]:
    with opened(settings_of(tmp_path, {"es": stanza(market)})) as made:
        yield made


def test_a_second_run_buys_nothing_and_asks_nothing(market: DatabentoApi, workspace: Workspace) -> None:
    feed = workspace.feed("es")
    first = [ingest(workspace, feed, table, PARTITION) for table in feed.tables]
    assert [outcome.fetched for outcome in first] == [True, True]
    asked = len(market.requests)
    second = [ingest(workspace, feed, table, PARTITION) for table in feed.tables]
    assert [(outcome.fetched, outcome.changed) for outcome in second] == [(False, False)] * 2
    assert [outcome.revision.sha256 for outcome in second] == [outcome.revision.sha256 for outcome in first]
    assert len(market.requests) == asked


def test_a_continuous_symbol_has_the_days_own_symbol_in_each_row_and_in_the_ledger(
    market: DatabentoApi, tmp_path: Path
) -> None:
    market.symbology.rolls("ES.c.0", files.INSTRUMENT, LISTED, LAPSED)
    market.conditions[DAY.isoformat()] = "degraded"
    market.offer("trades", "ES.c.0", DAY, Offer(files.trades(DAY, 10, "ES.c.0", stype_in="continuous"), 10))
    continuous = {**stanza(market, stype_in="continuous"), "symbols": {"ES": "ES.c.0"}, "tables": ["trades"]}
    with opened(settings_of(tmp_path, {"es": continuous})) as made:
        revision = ingest(made, made.feed("es"), "trades", PARTITION).revision
        rows = made.warehouse.rows_of(revision).collect()
    assert rows["raw_symbol"].to_list() == ["ESH4"] * 10
    assert revision.notes == {
        "condition": "degraded",
        "remarks": ["Databento calls the day degraded"],
        "symbology": {"17077": "ESH4"},
    }


def test_a_large_day_comes_by_a_job_and_is_bought_once(market: DatabentoApi, tmp_path: Path) -> None:
    with opened(settings_of(tmp_path, {"es": stanza(market, batch_above_bytes=0)})) as made:
        feed = made.feed("es")
        outcomes = [ingest(made, feed, "trades", PARTITION) for _ in range(3)]
    assert [(outcome.fetched, outcome.changed) for outcome in outcomes] == [
        (True, True),
        (False, False),
        (False, False),
    ]
    assert outcomes[0].revision.rows == 1_000
    assert (len(market.asked(SUBMIT)), market.asked(STREAM)) == (1, [])


@pytest.mark.parametrize(("dataset", "accepted"), [("XNAS.ITCH", 1), ("GLBX.MDP3", 2)])
def test_a_share_below_zero_goes_to_quarantine_and_a_spread_does_not(
    market: DatabentoApi, tmp_path: Path, dataset: str, accepted: int
) -> None:
    start = files.day_start(DAY)
    made = files.records("trades", 2, ts_event=start, ts_recv=start, price=[10**9, -1], size=1, side=b"A")
    content = files.streamed(files.head("trades", DAY, dataset=dataset), made)
    market.offer("trades", SYMBOL, DAY, Offer(content, 2), dataset)
    with opened(settings_of(tmp_path, {"es": stanza(market, dataset=dataset)})) as workspace:
        account = ingest(workspace, workspace.feed("es"), "trades", PARTITION).revision.account
    assert (account.accepted, account.rejected) == (accepted, 2 - accepted)


def test_what_came_is_held_against_what_the_vendor_counts(workspace: Workspace) -> None:
    outcome = ingest(workspace, workspace.feed("es"), "trades", PARTITION)
    assert [file.name for file in outcome.landed] == [TRADES, FACTS, MEANT]
    account = outcome.revision.account
    assert (account.records, account.accepted, account.expected) == (1_000, 1_000, 1_000)
    assert account.adds_up


def test_without_a_key_what_is_landed_can_be_used(
    market: DatabentoApi, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ingest(workspace, workspace.feed("es"), "trades", PARTITION)
    monkeypatch.delenv("DATABENTO_API_KEY")
    with opened(workspace.settings) as later:
        assert not ingest(later, later.feed("es"), "trades", PARTITION).fetched


def test_above_the_budget_nothing_is_landed_and_allowing_it_completes(market: DatabentoApi, tmp_path: Path) -> None:
    market.offer("trades", SYMBOL, DAY, Offer(files.trades(DAY, 10), 10, cost_usd=7.5))
    with opened(settings_of(tmp_path, {"es": stanza(market)})) as made, pytest.raises(OverBudget, match=r"7\.5000 USD"):
        ingest(made, made.feed("es"), "trades", PARTITION)
    assert market.asked(STREAM) == []
    assert not list((tmp_path / "home").rglob("*.dbn.zst*"))
    with opened(settings_of(tmp_path, {"es": stanza(market)}), allow_cost=True) as made:
        assert ingest(made, made.feed("es"), "trades", PARTITION).revision.rows == 10
    assert len(market.asked(COST)) == 2


def test_a_day_that_came_short_is_not_landed_and_the_next_run_completes(
    market: DatabentoApi, workspace: Workspace, tmp_path: Path
) -> None:
    market.fail(STREAM, cut_off(3_000, announced=False), times=2)
    feed = workspace.feed("es")
    with pytest.raises(DamagedDownload, match="is cut short"):
        ingest(workspace, feed, "trades", PARTITION)
    assert not list((tmp_path / "home").rglob("*.dbn.zst*"))
    assert ingest(workspace, feed, "trades", PARTITION).revision.rows == 1_000


def test_history_that_the_vendor_corrected_makes_a_revision(market: DatabentoApi, workspace: Workspace) -> None:
    feed = workspace.feed("es")
    before = ingest(workspace, feed, "trades", PARTITION).revision
    market.offer("trades", SYMBOL, DAY, Offer(files.trades(DAY, 990), 990))
    after = ingest(workspace, feed, "trades", PARTITION, refetch=True)
    assert after.changed
    assert (before.revision, after.revision.revision, after.revision.rows) == (1, 2, 990)
