"""Processes that die, and processes that meet: what is on disk afterwards is the old state or the new one."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from market_data.pipeline.workspace import Workspace, opened
from market_data_tests.feeds import settings_of, simulated
from market_data_tests.pipeline import victim
from market_data_tests.warehouse_invariants import age, assert_sound

KILLS = 50
FOREVER = 10_000


def start(folder: Path, seed: int, rounds: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", victim.__name__, str(folder), str(seed), str(rounds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def settings_in(folder: Path):
    return settings_of(folder, {"sim": simulated(symbols=["AAA-USD"])})


def files_of_nobody(workspace: Workspace) -> set[str]:
    root = workspace.warehouse.root
    stored = {path.relative_to(root).as_posix() for path in (root / "_files").rglob("*.parquet")}
    return stored - {file.path for file in workspace.ledger.filed()}


@pytest.mark.timeout(600)
def test_fifty_kills_at_random_moments_leave_a_sound_warehouse_that_the_next_run_heals(tmp_path: Path) -> None:
    moment = random.Random(7)
    interrupted = 0
    for kill in range(KILLS):
        process = start(tmp_path, kill * 1_000, FOREVER)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(moment.uniform(0, 0.6))
        process.kill()
        process.communicate()
        with opened(settings_in(tmp_path)) as workspace:
            assert_sound(workspace.warehouse, orphans=True)
            orphans = files_of_nobody(workspace)
            interrupted += len(orphans)
            assert workspace.warehouse.sweep() == 0  # another writer may be about to commit such a file
            assert files_of_nobody(workspace) == orphans
            age(workspace.warehouse)
            assert workspace.warehouse.sweep() == len(orphans)
            assert_sound(workspace.warehouse)
            assert [path.name for path in (workspace.warehouse.root / "_staging").glob("*/*.parquet")] == []
    last = start(tmp_path, KILLS * 1_000, 1)
    out, _ = last.communicate(timeout=60)
    assert last.returncode == 0
    assert {line.split()[0] for line in out.splitlines()} == {"ready", *victim.TABLES}
    with opened(settings_in(tmp_path)) as workspace:
        assert_sound(workspace.warehouse)
        assert len(workspace.ledger.find()) == len(victim.TABLES)
    print(f"{interrupted} of {KILLS} kills came between a file and its commit")


def test_two_processes_that_replace_one_partition_make_whole_revisions_or_are_refused(tmp_path: Path) -> None:
    rounds = 12
    processes = [start(tmp_path, seed, rounds) for seed in (1_000, 2_000)]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    lines = [line.split() for out in outputs for line in out.splitlines() if line != "ready"]
    assert [process.returncode for process in processes] == [0, 0]
    made = {(table, int(revision), digest) for table, revision, digest in (x for x in lines if x[0] != "failed")}
    with opened(settings_in(tmp_path)) as workspace:
        assert_sound(workspace.warehouse)
        kept = {
            (revision.table, revision.revision, revision.sha256)
            for current in workspace.ledger.find()
            for revision in workspace.ledger.history(current.table, current.partition)
        }
    assert made == kept
    refused = sum(line[0] == "failed" for line in lines)
    assert len([made_one for made_one in made if made_one[0] == "trades"]) + refused >= 2 * rounds
