"""A home that the code of version 0005 made, in its layout: it goes on, and none of its files is moved.

`states/v0005.home.tar.gz` is such a home, of two symbols and two days. The first day was collected twice, so that two
revisions of each of its tables lie in `_history`. Its last writer was killed with two claims: the file of AAA-USD was
renamed into place, that of BBB-USD was not.
"""

import datetime as dt
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from market_data.domain.partition import Partition
from market_data.ledger.schema import CURRENT, SUPERSEDED
from market_data.operations.backup import Options, back_up, restore, torn
from market_data.operations.repair import plan
from market_data.pipeline.workspace import Workspace, opened
from market_data.settings import Settings
from market_data.storage.files import sha256
from market_data.warehouse.sql import connect
from market_data_tests.databases import on_sqlite_only
from market_data_tests.pipeline.homes import collect, facts, hashes, home_at
from market_data_tests.warehouse_invariants import assert_sound

HOME = Path(__file__).parent / "states" / "v0005.home.tar.gz"
AAA, BBB = (Partition("sim", dt.date(2024, 1, 16), symbol) for symbol in ("AAA-USD", "BBB-USD"))
NOW = dt.datetime(2024, 1, 18, 12, tzinfo=dt.UTC)

pytestmark = on_sqlite_only


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a home as it was left."""
    found = home_at(tmp_path, 2)
    with tarfile.open(HOME) as archive:
        archive.extractall(found.home, filter="data")
    return found


def lying(settings: Settings) -> Mapping[str, tuple[int, str]]:
    """Which file of the earlier layout each name is of, and its bytes."""
    found = settings.warehouse.rglob("*.parquet")
    return {
        path.relative_to(settings.warehouse).as_posix(): (path.stat().st_ino, sha256(path))
        for path in found
        if "_staging" not in path.parts and "_files" not in path.parts and path.name != "moved.parquet"
    }


def revisions_of(workspace: Workspace, partition: Partition, table: str = "trades") -> list[tuple[int, str]]:
    return [(each.revision, each.state) for each in workspace.ledger.history(table, partition)]


def counts(workspace: Workspace, as_of: int | None = None) -> list[Any]:
    query = "SELECT symbol, date, count(*), sum(price)::VARCHAR FROM trades GROUP BY ALL ORDER BY ALL"
    with connect(workspace.warehouse, as_of) as sql:
        return sql.execute(query).fetchall()


def test_its_claims_are_settled_by_what_lies_in_place_and_it_is_sound(settings: Settings) -> None:
    before = lying(settings)
    with opened(settings) as workspace:
        assert workspace.ledger.pending() == []
        assert revisions_of(workspace, AAA) == [(1, SUPERSEDED), (2, CURRENT)]
        assert revisions_of(workspace, BBB) == [(1, CURRENT)]
        assert_sound(workspace.warehouse)
        assert [each.number for each in workspace.ledger.changes() if each.counts] == list(range(1, 14))
        assert workspace.ledger.last_commit == 13
        assert len(hashes(workspace)) == 13
    assert lying(settings) == before


def test_it_is_read_as_of_every_commit(settings: Settings) -> None:
    with opened(settings) as workspace:
        ledger = workspace.ledger
        for number in range(14):
            wanted = [each for each in ledger.find(as_of=number) if each.table == "trades"]
            frames = [(each, workspace.warehouse.rows_of(each).collect()) for each in wanted]
            expected = sorted(
                (each.partition.symbol, each.partition.date, len(frame), str(frame["price"].sum()))
                for each, frame in frames
            )
            found = counts(workspace, number)
            assert [row[:3] for row in found] == [row[:3] for row in expected]
            assert [float(row[3]) for row in found] == [float(row[3]) for row in expected]
        assert len(counts(workspace)) == 4


def test_the_same_rows_made_again_are_no_new_revision(settings: Settings) -> None:
    before = lying(settings)
    with opened(settings) as workspace:
        known = hashes(workspace)
    collect(settings, days=1)
    with opened(settings) as workspace:
        assert hashes(workspace) == known
        assert workspace.ledger.last_commit == 13
        assert_sound(workspace.warehouse)
    assert lying(settings) == before


def test_new_rows_are_written_elsewhere_and_what_they_supersede_stays(settings: Settings) -> None:
    before = lying(settings)
    with opened(settings) as workspace:
        known, as_it_was = hashes(workspace), counts(workspace)
    collect(home_at(settings.home.parent, 7))
    with opened(settings) as workspace:
        assert_sound(workspace.warehouse)
        assert known.items() <= hashes(workspace).items()
        assert revisions_of(workspace, BBB) == [(1, SUPERSEDED), (2, CURRENT)]
        assert {each.path.parts[0] for each in workspace.ledger.find()} == {"_files"}
        assert counts(workspace) != as_it_was
        assert counts(workspace, 13) == as_it_was
        assert workspace.warehouse.sweep() == 0
    assert lying(settings) == before


def test_nothing_of_it_is_to_be_repaired(settings: Settings) -> None:
    with opened(settings) as workspace:
        asked = plan(workspace, settings.feeds["sim"], NOW)
        # The last day was never collected; and AAA-USD's candles are of the trades before the claim that is settled.
        assert [each for each in asked.repairs if each.reason != "missing" and each.partition != AAA] == []
    collect(settings)  # what a dead writer left undone, the next run does
    with opened(settings) as workspace:
        before = workspace.ledger.last_commit
        asked = plan(workspace, settings.feeds["sim"], NOW)
        assert [each for each in asked.repairs if each.reason != "missing"] == []
        assert workspace.ledger.last_commit == before


def test_a_backup_of_it_restores_the_same_rows_and_files_under_the_same_names(
    settings: Settings, tmp_path: Path
) -> None:
    before = lying(settings)
    with opened(settings) as workspace:
        back_up(workspace, tmp_path / "backup", Options(), lambda *_: None)
    assert torn(tmp_path / "backup", lambda *_: None) == []
    there = home_at(tmp_path / "there", 2)
    with opened(there) as workspace:
        restore(workspace, tmp_path / "backup", lambda *_: None)
        assert_sound(workspace.warehouse)
    assert facts(there) == facts(settings)
    assert {name: digest for name, (_, digest) in lying(there).items()} == {
        name: digest for name, (_, digest) in before.items() if name in lying(there)
    }
    collect(there)
    with opened(there) as workspace:
        assert_sound(workspace.warehouse)
    assert lying(settings) == before
