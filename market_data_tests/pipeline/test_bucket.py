"""A home on a bucket: processes that die and that meet, and the whole way through Dagster and SQL."""

import datetime as dt
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from market_data.cli.application import app
from market_data.pipeline.chain import Failed, materialize
from market_data.pipeline.workspace import Outcome, Workspace, opened
from market_data.settings import Settings
from market_data.warehouse.file_store import BucketFiles
from market_data_tests.databases import ledger_environment, ledger_url
from market_data_tests.feeds import settings_of, simulated
from market_data_tests.pipeline import victim
from market_data_tests.runs import dagster_home
from market_data_tests.vendors.object_store import KEY_ID, SECRET, Environ, ObjectStore, object_store
from market_data_tests.warehouse_invariants import assert_sound

__all__ = ["object_store"]
KILLS = 8
"""A round is four PUTs: landed file, manifest, trades, candles."""
FOREVER = 10_000


def start(store: ObjectStore, folder: Path, machine: str, seed: int, rounds: int) -> subprocess.Popen[str]:
    work = folder / machine
    work.mkdir(exist_ok=True)
    command = [sys.executable, "-m", victim.__name__, str(work), str(seed), str(rounds), store.url]
    environment = os.environ | store.environment(work, ledger_url(folder))
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def settings_on(store: ObjectStore, folder: Path, machine: str) -> Settings:
    work = folder / machine
    work.mkdir(exist_ok=True)
    place = {"home": store.url, "bucket_endpoint": store.endpoint, "scratch": work}
    options = {"seed": 1, "trades_per_day": {"AAA-USD": 60}}
    feeds = {"sim": simulated(symbols=["AAA-USD"], options=options)}
    return settings_of(work, feeds, **place, ledger_url=ledger_url(folder))


def sweep(workspace: Workspace) -> int:
    """As a day later."""
    files, ledger = workspace.warehouse.files, workspace.ledger
    assert isinstance(files, BucketFiles)
    known = {file.path for file in ledger.filed()}
    left = [key for key in files.backend.every_key() if key not in known]
    ended = files.recover(now=dt.datetime.now(dt.UTC) + dt.timedelta(hours=25))
    return ended + ledger.forget_files(left, files.remove)


@pytest.mark.slow
def test_a_kill_at_any_put_leaves_the_old_state_or_the_new_one(object_store: ObjectStore, tmp_path: Path) -> None:
    told: set[tuple[str, int, str]] = set()
    orphans = 0
    for kill in range(1, KILLS + 1):
        process = start(object_store, tmp_path, "here", kill * 1_000, FOREVER)
        object_store.gate = killing(process, at_put=kill)
        out, _ = process.communicate(timeout=120)
        assert process.returncode == -signal.SIGKILL
        lines = [line.split() for line in out.splitlines() if line != "ready"]
        told |= {(table, int(number), digest) for table, number, digest in lines}
        with opened(settings_on(object_store, tmp_path, "there")) as workspace:
            orphans += sweep(workspace)
            assert_sound(workspace.warehouse)
    last = start(object_store, tmp_path, "here", (KILLS + 1) * 1_000, 1)
    out, _ = last.communicate(timeout=60)
    assert {line.split()[0] for line in out.splitlines()} == {"ready", *victim.TABLES}
    with opened(settings_on(object_store, tmp_path, "there")) as workspace:
        assert_sound(workspace.warehouse)
        everything = [
            revision
            for current in workspace.ledger.find()
            for revision in workspace.ledger.history(current.table, current.partition)
        ]
    assert told
    assert told <= {(revision.table, revision.revision, revision.sha256) for revision in everything}
    assert orphans, "no kill came between an upload and the ledger's row"


def killing(process: "subprocess.Popen[str]", at_put: int) -> Callable[[Environ], None]:
    """A gate that kills the process when its so-manieth PUT is on its way, and then takes the PUT."""
    puts = itertools.count(1)

    def gate(environ: Environ) -> None:
        if environ["REQUEST_METHOD"] == "PUT" and next(puts) == at_put:
            process.kill()
            process.wait()

    return gate


@pytest.mark.slow
def test_two_machines_that_replace_one_partition_make_whole_revisions(
    object_store: ObjectStore, tmp_path: Path
) -> None:
    rounds = 8
    machines = [start(object_store, tmp_path, name, seed, rounds) for name, seed in (("a", 1_000), ("b", 2_000))]
    outputs = [process.communicate(timeout=120)[0] for process in machines]
    assert [process.returncode for process in machines] == [0, 0]
    lines = [line.split() for out in outputs for line in out.splitlines() if line != "ready"]
    made = {(table, int(revision), digest) for table, revision, digest in (x for x in lines if x[0] != "failed")}
    with opened(settings_on(object_store, tmp_path, "there")) as workspace:
        assert_sound(workspace.warehouse)
        kept = {
            (revision.table, revision.revision, revision.sha256)
            for current in workspace.ledger.find()
            for revision in workspace.ledger.history(current.table, current.partition)
        }
    assert made == kept
    assert len([each for each in made if each[0] == "trades"]) == 2 * rounds


def test_a_partition_goes_the_whole_way_and_another_machine_finds_it_landed(
    object_store: ObjectStore, tmp_path: Path
) -> None:
    for machine, fetched in (("here", True), ("there", False)):
        settings = settings_on(object_store, tmp_path, machine)
        feed = settings.feeds["sim"]
        partition = feed.partition("AAA-USD", feed.start)
        with opened(settings) as workspace:
            steps = list(materialize(workspace, feed, partition, feed.assets, ()))
            assert [step for step in steps if isinstance(step, Failed)] == []
            outcomes = [step for step in steps if isinstance(step, Outcome)]
            assert {outcome.fetched for outcome in outcomes if outcome.table in feed.tables} == {fetched}
            assert {outcome.changed for outcome in outcomes} == {fetched}
            workspace.warehouse.release()
            assert_sound(workspace.warehouse)


@pytest.mark.slow
def test_dagster_materializes_onto_a_bucket_and_sql_reads_it_on_another_machine(
    object_store: ObjectStore, tmp_path: Path
) -> None:
    config = settings_on(object_store, tmp_path, "here").config_path
    here = object_store.environment(tmp_path / "here", ledger_url(tmp_path)) | {"MARKET_DATA_CONFIG": str(config)}
    here |= {"DAGSTER_HOME": str(dagster_home(tmp_path)), **ledger_environment(tmp_path)}
    command = [sys.executable, "-m", "dagster", "asset", "materialize", "-m", "market_data.definitions"]
    command += ["--select", "group:sim", "--partition-range", "2024-01-15|AAA-USD...2024-01-16|AAA-USD"]
    done = subprocess.run(command, check=False, env=os.environ | here, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    there = here | object_store.environment(tmp_path / "there", ledger_url(tmp_path))
    query = "SELECT date, count(*) > 0 AS some FROM trades WHERE symbol = 'AAA-USD' GROUP BY ALL ORDER BY ALL"
    answer = CliRunner().invoke(app, ["query", "--json", query], env=there)
    assert answer.exit_code == 0, answer.stderr
    assert json.loads(answer.stdout) == [{"date": f"2024-01-{day}", "some": True} for day in (15, 16)]
    told = done.stdout + done.stderr + answer.stdout + answer.stderr
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    for secret in (KEY_ID, SECRET):
        assert secret not in told
        assert not any(secret.encode() in content for content in written)
    swept = CliRunner().invoke(app, ["sweep", "--json"], env=there)
    assert json.loads(swept.stdout) == {"removed": 0}
    refused = CliRunner().invoke(app, ["catalog"], env=there)
    assert refused.exit_code == 2
    assert "market-data query" in refused.stderr
