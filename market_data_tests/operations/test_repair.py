"""What mends itself: what is missing, outdated, poor or replaced; with a limit a day, waits that double, and an end."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from market_data.domain.partition import Partition
from market_data.operations.repair import Plan, plan
from market_data.pipeline.ingest import ingest
from market_data.pipeline.workspace import Workspace, opened
from market_data_tests.feeds import settings_of, simulated
from market_data_tests.partitions import enter, row_of
from market_data_tests.vendors import binance_files as files
from market_data_tests.vendors.binance_archive import BinanceArchive, binance_archive

__all__ = ["binance_archive"]

NOON = dt.datetime(2024, 1, 18, 12, tzinfo=dt.UTC)
ARCHIVED_DAY = dt.date(2024, 1, 17)
REPAIR: dict[str, Any] = {"per_day": 3, "tries": 3, "first_wait_minutes": 60}
FEED: dict[str, Any] = {
    "tables": ["trades"],
    "symbols": ["AAA-USD", "BBB-USD"],
    "end": None,
    "options": {"seed": 1, "trades_per_day": {"AAA-USD": 400}},
}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with opened(settings_of(tmp_path, {"sim": simulated(**FEED, repair=REPAIR)})) as made:
        yield made


def have(workspace: Workspace, table: str, day: int, symbol: str, **values: Any) -> None:
    partition = workspace.feed("sim").partition(symbol, dt.date(2024, 1, day))
    enter(workspace.ledger, [row_of(table, partition, **values)])


def planned(workspace: Workspace, now: dt.datetime = NOON) -> list[tuple[str, str, int]]:
    return [(str(each.partition)[4:], each.reason, each.number) for each in plan_of(workspace, now).repairs]


def plan_of(workspace: Workspace, now: dt.datetime = NOON) -> Plan:
    return plan(workspace, workspace.feed("sim"), now)


def everything(workspace: Workspace, *days: int, but: tuple[int, str] | None = None) -> None:
    for day in days:
        for symbol in ("AAA-USD", "BBB-USD"):
            if (day, symbol) != but:
                have(workspace, "trades", day, symbol)


def test_a_due_day_that_is_missing_is_asked_for_again_and_again_after_longer_waits(workspace: Workspace) -> None:
    everything(workspace, 15, 16, 17, but=(16, "BBB-USD"))
    assert planned(workspace) == [("BBB-USD 2024-01-16", "missing", 1)]
    assert planned(workspace, NOON + dt.timedelta(minutes=59)) == []
    assert planned(workspace, NOON + dt.timedelta(minutes=60)) == [("BBB-USD 2024-01-16", "missing", 2)]
    assert planned(workspace, NOON + dt.timedelta(minutes=179)) == []
    assert planned(workspace, NOON + dt.timedelta(minutes=180)) == [("BBB-USD 2024-01-16", "missing", 3)]


def test_what_does_not_mend_is_given_up_with_one_cause_until_it_is_there(workspace: Workspace) -> None:
    everything(workspace, 15, 16, 17, but=(16, "BBB-USD"))
    for hours in (0, 1, 3):
        plan_of(workspace, NOON + dt.timedelta(hours=hours))
    after = plan_of(workspace, NOON + dt.timedelta(hours=10))
    assert after.repairs == []
    (cause,) = after.given_up
    assert "made again 3 times because it was missing" in cause.text
    have(workspace, "trades", 16, "BBB-USD")
    mended = plan_of(workspace, NOON + dt.timedelta(hours=11))
    assert mended.given_up == []
    assert workspace.ledger.repairs.tries("sim") == {}


def test_no_more_than_the_limit_of_a_day_are_asked_for(workspace: Workspace) -> None:
    have(workspace, "trades", 15, "AAA-USD")
    assert len(planned(workspace)) == 3
    assert planned(workspace, NOON + dt.timedelta(minutes=1)) == []
    tomorrow = NOON + dt.timedelta(days=1)
    assert len(planned(workspace, tomorrow)) == 3


def test_the_time_before_the_first_day_that_was_collected_is_left_alone(workspace: Workspace) -> None:
    everything(workspace, 17)
    assert planned(workspace) == []


def test_a_feed_that_nobody_has_begun_with_asks_for_nothing(workspace: Workspace) -> None:
    assert planned(workspace) == []


def test_what_was_made_from_something_that_was_replaced_since_is_made_again(workspace: Workspace) -> None:
    everything(workspace, 17)
    made_from = [{"table": "trades", "date": "2024-01-17", "revision": 1, "sha256": "1" * 64}]
    have(workspace, "candles", 17, "AAA-USD", inputs=made_from)
    have(workspace, "candles", 17, "BBB-USD", inputs=[{**made_from[0], "sha256": "0" * 64}])
    assert planned(workspace) == [("AAA-USD 2024-01-17", "outdated", 1)]


def test_what_came_out_the_same_from_a_replaced_input_is_not_made_for_ever(workspace: Workspace) -> None:
    everything(workspace, 17)
    have(workspace, "candles", 17, "AAA-USD", inputs=[{"table": "trades", "date": "2024-01-17", "sha256": "1" * 64}])
    assert planned(workspace) == [("AAA-USD 2024-01-17", "outdated", 1)]
    made = workspace.warehouse.current("candles", workspace.feed("sim").partition("AAA-USD", dt.date(2024, 1, 17)))
    assert made is not None
    workspace.ledger.confirm(made, [{"table": "trades", "date": "2024-01-17", "sha256": "0" * 64}], "run-2")
    assert planned(workspace, NOON + dt.timedelta(hours=2)) == []
    assert workspace.ledger.repairs.tries("sim") == {}


def test_a_score_below_the_threshold_asks_the_vendor_again(workspace: Workspace) -> None:
    everything(workspace, 17)
    have(workspace, "quality_reports", 17, "AAA-USD", notes={"passed": False})
    have(workspace, "quality_reports", 17, "BBB-USD", notes={"passed": True})
    (repair,) = plan_of(workspace).repairs
    assert (repair.partition.symbol, repair.reason, repair.refetch) == ("AAA-USD", "poor", True)


def test_a_feed_may_leave_its_mending_to_its_user(tmp_path: Path) -> None:
    with opened(settings_of(tmp_path, {"sim": simulated(**FEED, repair={"enabled": False})})) as made:
        everything(made, 15, 17)
        assert planned(made) == []


def archived(archive: BinanceArchive) -> tuple[dict[str, Any], Path]:
    """A feed of a day of trades in the archive, and the file."""
    path = archive.root / files.trades_path("BTCUSDT", ARCHIVED_DAY)
    files.write(path, files.trade_lines(ARCHIVED_DAY, 50))
    return {
        "source": "binance_vision",
        "symbols": {"BTC-USDT": "BTCUSDT"},
        "tables": ["trades"],
        "start": ARCHIVED_DAY.isoformat(),
        "options": {"base_url": archive.base_url},
    }, path


def test_a_file_that_the_vendor_replaced_is_fetched_again(binance_archive: BinanceArchive, tmp_path: Path) -> None:
    stanza, path = archived(binance_archive)
    with opened(settings_of(tmp_path, {"btc": stanza})) as workspace:
        feed = workspace.feed("btc")
        partition = Partition("btc", ARCHIVED_DAY, "BTC-USDT")
        ingest(workspace, feed, "trades", partition)
        assert plan(workspace, feed, NOON).repairs == []
        files.write(path, files.trade_lines(ARCHIVED_DAY, 60))
        (repair,) = plan(workspace, feed, NOON).repairs
        assert (repair.partition, repair.reason, repair.refetch) == (partition, "replaced", True)
        ingest(workspace, feed, "trades", partition, refetch=True)
        assert plan(workspace, feed, NOON + dt.timedelta(hours=2)).repairs == []
        assert workspace.ledger.repairs.tries("btc") == {}


def test_a_vendor_that_cannot_be_asked_leaves_everything_as_it_was(
    binance_archive: BinanceArchive, tmp_path: Path
) -> None:
    stanza, path = archived(binance_archive)
    with opened(settings_of(tmp_path, {"btc": stanza})) as workspace:
        feed = workspace.feed("btc")
        ingest(workspace, feed, "trades", Partition("btc", ARCHIVED_DAY, "BTC-USDT"))
        path.with_name(path.name + ".CHECKSUM").unlink()
        assert plan(workspace, feed, NOON).repairs == []
