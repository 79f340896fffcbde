"""A backup, taken while others write, and what is restored from it."""

import datetime as dt
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import delete

from market_data.domain.errors import BadFile, ConfigurationError, WarehouseDamaged
from market_data.ledger.schema import ledger_state, metadata
from market_data.operations.backup import Made, Options, back_up, described, restore, torn
from market_data.pipeline.workspace import opened
from market_data.settings import Settings
from market_data.storage.files import sha256
from market_data_tests.databases import postgres
from market_data_tests.pipeline import victim
from market_data_tests.pipeline.homes import collect, facts, home_at, live, on_bucket, rows
from market_data_tests.vendors.object_store import ObjectStore, object_store
from market_data_tests.warehouse_invariants import assert_sound

__all__ = ["object_store"]


def untold(done: int, total: int) -> None:
    pass


def backed_up(
    settings: Settings, target: Path, *, dry_run: bool = False, allow_lost: bool = False, prune: bool = False
) -> Made:
    with opened(settings) as workspace:
        return back_up(workspace, target, Options(dry_run, allow_lost, prune), untold)


def restored(settings: Settings, source: Path) -> None:
    with opened(settings) as workspace:
        restore(workspace, source, untold)
        assert_sound(workspace.warehouse)


def files(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): sha256(path) for path in folder.rglob("*") if path.is_file()}


def test_an_empty_home_gets_the_same_rows_and_the_same_hashes(tmp_path: Path) -> None:
    settings = live(tmp_path / "here")
    backed_up(settings, tmp_path / "backup")
    there = home_at(tmp_path / "there", 2)
    restored(there, tmp_path / "backup")
    found = facts(there)
    assert found == facts(settings)
    assert {name for name, of_relation in found["rows"].items() if not of_relation} <= {"deliveries"}
    assert {row["state"] for row in found["rows"]["partition_revisions"]} == {"current", "superseded"}


def test_what_counted_before_is_read_as_of_then(tmp_path: Path) -> None:
    settings = live(tmp_path / "here")
    backed_up(settings, tmp_path / "backup")
    there = home_at(tmp_path / "there", 2)
    restored(there, tmp_path / "backup")
    partition = there.feeds["sim"].partition("AAA-USD", dt.date(2024, 1, 15))
    with opened(settings) as before, opened(there) as after:
        old, _ = before.ledger.history("trades", partition)
        (counted,) = [
            each for each in after.ledger.find(as_of=after.ledger.as_of(old.committed_in)) if each.table == "trades"
        ]
        assert counted.sha256 == old.sha256
        assert after.warehouse.rows_of(counted).collect().equals(before.warehouse.rows_of(old).collect())


def test_life_goes_on_after_a_restore(tmp_path: Path) -> None:
    backed_up(live(tmp_path / "here"), tmp_path / "backup")
    there = home_at(tmp_path / "there", 3)
    restored(there, tmp_path / "backup")
    collect(there)
    with opened(there) as workspace:
        assert_sound(workspace.warehouse)
        assert (
            len(workspace.ledger.history("trades", there.feeds["sim"].partition("AAA-USD", dt.date(2024, 1, 15)))) == 3
        )


def test_a_second_backup_copies_only_what_came_since(tmp_path: Path) -> None:
    settings, target = live(tmp_path / "here"), tmp_path / "backup"
    first = backed_up(settings, target)
    assert (first.copied_files, first.copied_bytes) == (first.files, first.size_bytes)
    assert backed_up(settings, target, dry_run=True).copied_files == 0
    kept = {path: path.stat().st_ino for path in (target / "files").rglob("*") if path.is_file()}
    collect(home_at(tmp_path / "here", 3), days=1)
    planned = backed_up(settings, target, dry_run=True)
    second = backed_up(settings, target)
    # Two symbols: a landed file, its manifest, trades, candles.
    assert planned.copied_files == second.copied_files == 8
    assert torn(target, untold) == []
    for path, inode in kept.items():
        assert not path.exists() or path.stat().st_ino == inode
    there = home_at(tmp_path / "there", 3)
    restored(there, target)
    assert facts(there) == facts(settings)


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    settings = live(tmp_path / "here")
    made = backed_up(settings, tmp_path / "backup", dry_run=True)
    assert made.copied_files == made.files > 0
    assert not (tmp_path / "backup").exists()


def test_prune_removes_what_no_revision_names_and_nothing_else(tmp_path: Path) -> None:
    settings, target = live(tmp_path / "here"), tmp_path / "backup"
    backed_up(settings, target)
    stray = target / "files" / "ab" / ("ab" + "0" * 62)
    stray.parent.mkdir(exist_ok=True)
    stray.write_text("of a home that was given up")
    assert backed_up(settings, target, prune=True).pruned >= 1
    assert not stray.exists()
    assert torn(target, untold) == []


@pytest.mark.parametrize("kind", ["torn", "gone"])
def test_a_torn_file_of_a_backup_is_named_and_nothing_is_entered(tmp_path: Path, kind: str) -> None:
    settings, target = live(tmp_path / "here"), tmp_path / "backup"
    backed_up(settings, target)
    with opened(settings) as workspace:
        victim_file = next(iter(workspace.ledger.find()))
    path = target / "files" / victim_file.sha256[:2] / victim_file.sha256
    content = path.read_bytes()
    path.unlink()
    if kind == "torn":
        path.write_bytes(content[:-1] + b"?")
    (named,) = torn(target, untold)
    assert str(path) in named
    assert victim_file.path.as_posix() in named
    there = home_at(tmp_path / "there", 2)
    with opened(there) as workspace:
        with pytest.raises(BadFile, match=victim_file.sha256):
            restore(workspace, target, untold)
        assert not any(rows(workspace.ledger).values())
    path.write_bytes(content)
    restored(there, target)
    assert facts(there) == facts(settings)


def test_a_damaged_ledger_of_a_backup_is_refused(tmp_path: Path) -> None:
    backed_up(live(tmp_path / "here"), tmp_path / "backup")
    digest = described(tmp_path / "backup").ledger
    path = tmp_path / "backup" / "files" / digest[:2] / digest
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(ConfigurationError, match="gone or damaged"):
        torn(tmp_path / "backup", untold)
    with (
        opened(home_at(tmp_path / "there")) as workspace,
        pytest.raises(ConfigurationError, match="gone or damaged"),
    ):
        restore(workspace, tmp_path / "backup", untold)


def forget_everything(settings: Settings) -> None:
    """Empty the ledger, and leave the files."""
    with opened(settings) as workspace, workspace.ledger.writing() as connection:
        for relation in reversed(metadata.sorted_tables):
            if relation is not ledger_state:
                connection.execute(delete(relation))


def test_a_home_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    backed_up(live(tmp_path / "here"), tmp_path / "backup")
    there = home_at(tmp_path / "there", 5)
    collect(there, days=1)
    before = facts(there)
    with (
        opened(there) as workspace,
        pytest.raises(ConfigurationError, match=r"not empty: its ledger has .* partition_revisions"),
    ):
        restore(workspace, tmp_path / "backup", untold)
    assert facts(there) == before
    forget_everything(there)
    before_files = files(there.warehouse)
    with opened(there) as workspace, pytest.raises(ConfigurationError, match="is not of this backup"):
        restore(workspace, tmp_path / "backup", untold)
    kept = {path: digest for path, digest in before_files.items() if "_staging" not in path}
    assert {path: digest for path, digest in files(there.warehouse).items() if "_staging" not in path} == kept


@pytest.mark.parametrize("place", ["warehouse", "landing"])
def test_a_file_with_the_name_of_one_of_the_backup_and_other_bytes_is_left_alone(tmp_path: Path, place: str) -> None:
    settings = live(tmp_path / "here")
    backed_up(settings, tmp_path / "backup")
    there = home_at(tmp_path / "there", 2)
    like = next(
        path for path in sorted((settings.home / place).rglob("*.*")) if path.is_file() and "_staging" not in path.parts
    )
    same = there.home / like.relative_to(settings.home)
    same.parent.mkdir(parents=True)
    same.write_text("somebody's")
    with opened(there) as workspace, pytest.raises(ConfigurationError, match="is not of this backup"):
        restore(workspace, tmp_path / "backup", untold)
    assert same.read_text() == "somebody's"


def test_a_file_of_the_home_that_is_damaged_is_named_and_the_backup_before_it_counts(tmp_path: Path) -> None:
    settings, target = live(tmp_path / "here"), tmp_path / "backup"
    backed_up(settings, target)
    description = described(target)
    collect(home_at(tmp_path / "here", 3), days=1)
    with opened(settings) as workspace:
        (old,) = [
            each
            for each in workspace.ledger.find()
            if each.table == "trades" and each.revision == 3 and "AAA" in str(each.path)
        ]
    (settings.warehouse / old.path).write_bytes(b"damaged")
    with pytest.raises(WarehouseDamaged, match=str(old.path)):
        backed_up(settings, target)
    assert described(target) == description
    assert torn(target, untold) == []
    made = backed_up(settings, target, allow_lost=True)
    assert [str(old.path) in name for name in made.lost] == [True]
    there = home_at(tmp_path / "there", 3)
    with opened(there) as workspace:
        restore(workspace, target, untold)
        with pytest.raises(WarehouseDamaged, match="is not there"):
            workspace.warehouse.file_of(old)
    collect(there, days=1)
    with opened(there) as workspace:
        current = workspace.ledger.current("trades", old.partition)
        assert current is not None
        assert (current.revision, current.sha256) == (3, old.sha256)
        assert_sound(workspace.warehouse)


@pytest.mark.parametrize("below", ["backup", ".", ".."])
def test_a_backup_lies_outside_of_the_home(tmp_path: Path, below: str) -> None:
    settings = live(tmp_path / "here")
    with pytest.raises(ConfigurationError, match="lie in each other"):
        backed_up(settings, settings.home / below)


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    settings = live(tmp_path / "here")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_text("a photo")
    with pytest.raises(ConfigurationError, match="something else than a backup"):
        backed_up(settings, tmp_path / "photos")
    assert files(tmp_path / "photos").keys() == {"one.jpg"}


@pytest.mark.parametrize("way", ["folder to bucket", "bucket to folder", "bucket to bucket"])
def test_a_home_moves_between_folder_and_bucket(object_store: ObjectStore, tmp_path: Path, way: str) -> None:
    first, _, last = way.split()
    other = tmp_path / "other"
    settings = live(tmp_path / "here", **(on_bucket(object_store, tmp_path / "scratch") if first == "bucket" else {}))
    backed_up(settings, tmp_path / "backup")
    before = facts(settings)
    if way == "bucket to bucket":
        for key in object_store.listed():
            object_store.client.delete_object(Bucket=object_store.bucket, Key=key)
    there = home_at(tmp_path / "there", 2, **(on_bucket(object_store, other) if last == "bucket" else {}))
    restored(there, tmp_path / "backup")
    after = facts(there)
    assert after["hashes"] == before["hashes"]
    assert after["landed"].keys() == before["landed"].keys()
    collect(home_at(tmp_path / "there", 3, **(on_bucket(object_store, other) if last == "bucket" else {})))
    with opened(there) as workspace:
        assert_sound(workspace.warehouse)
    if last == "folder":
        assert after["rows"] == before["rows"]


@pytest.mark.slow
def test_a_desk_moves_from_sqlite_to_postgresql_and_goes_on(tmp_path: Path) -> None:
    settings = live(tmp_path / "here")
    backed_up(settings, tmp_path / "backup")
    with postgres() as server:
        url = server.create("ledger")
        there = home_at(tmp_path / "there", 2, ledger_url=url)
        restored(there, tmp_path / "backup")
        assert facts(there) == facts(settings)
        collect(home_at(tmp_path / "there", 3, ledger_url=url))
        backed_up(there, tmp_path / "again")
        back = home_at(tmp_path / "back", 2)
        restored(back, tmp_path / "again")
        assert facts(back) == facts(there)


def running(folder: Path, seed: int, rounds: int, home: Path) -> "subprocess.Popen[str]":
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", victim.__name__, str(folder), str(seed), str(rounds), str(home)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.timeout(600)
@pytest.mark.slow
def test_backups_taken_while_a_writer_replaces_partitions_are_sound(tmp_path: Path) -> None:
    settings, target = home_at(tmp_path / "here"), tmp_path / "backup"
    collect(settings, days=1)
    writer = running(tmp_path / "writer", 1_000, 10_000, settings.home)
    seen: list[int] = []
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        while len(seen) < 4 or seen[-1] - seen[0] < 12:
            backed_up(settings, target)
            assert torn(target, untold) == []
            there = home_at(tmp_path / f"there-{len(seen)}")
            restored(there, target)
            with opened(there) as workspace:
                seen.append(max(row["id"] for row in rows(workspace.ledger)["partition_revisions"]))
        assert writer.poll() is None
    finally:
        writer.kill()
        writer.communicate()
    assert seen == sorted(seen)


COMMAND = "import sys; from market_data.cli import main; sys.argv[0] = 'market-data'; main()"


def killed(words: list[str | Path], environment: dict[str, str], after_files: int, watched: Path) -> bool:
    """Start the command, and kill it when so many files are there; whether it was killed before it ended."""
    command = [sys.executable, "-c", COMMAND, *map(str, words)]
    process = subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while process.poll() is None:
        if sum(len(names) for _, _, names in os.walk(watched)) >= after_files:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.002)
    return process.wait() == -signal.SIGKILL


@pytest.mark.slow
def test_a_backup_that_is_killed_leaves_the_one_before_it_and_the_next_goes_on(tmp_path: Path) -> None:
    settings, target = live(tmp_path / "here"), tmp_path / "backup"
    environment = {"MARKET_DATA_HOME": str(settings.home), "MARKET_DATA_CONFIG": str(settings.config_path)}
    backed_up(settings, target)
    description, before = described(target), facts(settings)
    moment, kills = random.Random(3), 0
    count = len(files(target))
    for seed in range(3, 6):
        collect(home_at(tmp_path / "here", seed))
        kills += killed(["backup", target], environment, count + moment.randint(1, 6), target)
        count = len(files(target))
        assert torn(target, untold) == []
        if described(target) == description:
            there = home_at(tmp_path / f"there-{seed}", 2)
            restored(there, target)
            assert facts(there) == before
        description, before = described(target), before if described(target) == description else facts(settings)
    assert kills
    backed_up(settings, target, prune=True)
    there = home_at(tmp_path / "there", 2)
    restored(there, target)
    assert facts(there) == facts(settings)
    assert not (target / "files" / "parts").exists() or not any((target / "files" / "parts").iterdir())


@pytest.mark.slow
def test_a_restore_that_is_killed_goes_on(tmp_path: Path) -> None:
    settings, target = live(tmp_path / "here"), tmp_path / "backup"
    backed_up(settings, target)
    there = home_at(tmp_path / "there", 2)
    environment = {"MARKET_DATA_HOME": str(there.home), "MARKET_DATA_CONFIG": str(there.config_path)}
    kills = 0
    for after in (3, 9):
        kills += killed(["restore", target], environment, after, there.home)
        with opened(there) as workspace:
            assert not any(rows(workspace.ledger).values())
    assert kills == 2
    restored(there, target)
    assert facts(there) == facts(settings)
    assert not list(there.home.rglob("_staging/restore/*"))
