"""Which launcher an instance gets, and into which queue it puts a run. Runs in workers: `test_workers`."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterRun
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.dagster_run import RunOpConcurrency
from dagster._serdes import serialize_value
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG
from redis import RedisError

from market_data.resources.workers import WorkersRunLauncher, queue_of
from market_data_tests.desk import redis_server
from market_data_tests.ports import free_port
from market_data_tests.ui.dev import ROOT

SECRET = "a-password-of-redis"  # pragma: allowlist secret
INSTANCE = """run_launcher:
  module: market_data.resources.run_launcher
  class: InstanceRunLauncher
"""


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("MARKET_DATA_REDIS_URL", f"redis://:{SECRET}@127.0.0.1:20000/0")
    (tmp_path / "dagster.yaml").write_text(INSTANCE)
    with dg.DagsterInstance.from_config(str(tmp_path)) as made:
        yield made


def loaded(code: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """What a new process prints that has the project's own instance."""
    environment = {name: value for name, value in os.environ.items() if name != "MARKET_DATA_REDIS_URL"}
    command = [sys.executable, "-c", f"import sys; from dagster import DagsterInstance as Instance; {code}"]
    return subprocess.run(command, env=environment | variables, capture_output=True, text=True, check=False)


def project(tmp_path: Path) -> str:
    (tmp_path / "dagster.yaml").write_text((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    return f"launcher = Instance.from_config({str(tmp_path)!r}).run_launcher"


def test_without_redis_runs_are_processes_of_dagsters_own_and_nothing_is_loaded_for_workers(tmp_path: Path) -> None:
    done = loaded(f"{project(tmp_path)}; print(type(launcher).__name__, {{'celery', 'redis'}} & set(sys.modules))")
    assert done.stdout.strip() == "InstanceRunLauncher set()", done.stderr


def test_without_what_workers_need_the_words_say_what_to_install(tmp_path: Path) -> None:
    done = loaded(f"sys.modules['dagster_celery'] = None; {project(tmp_path)}", MARKET_DATA_REDIS_URL="redis://nowhere")
    assert done.returncode != 0
    assert "pip install 'market-data[deploy]'" in done.stderr


def test_redis_password_does_not_travel_with_the_runs(instance: dg.DagsterInstance) -> None:
    assert type(instance.run_launcher).__name__ == "WorkersRunLauncher"
    assert SECRET not in serialize_value(instance.get_ref())


@pytest.mark.parametrize(
    ("pools", "tags", "queue"),
    [
        ({"databento"}, {}, "databento"),
        ({"databento"}, {"dagster-celery/queue": "slow"}, "slow"),
        ({"databento", "ccxt"}, {}, "dagster"),
        (set[str](), {}, "dagster"),
        (None, {}, "dagster"),
    ],
)
def test_a_run_goes_to_the_queue_of_its_pool(pools: set[str] | None, tags: dict[str, str], queue: str) -> None:
    limits = RunOpConcurrency(root_key_counts={}, has_unconstrained_root_nodes=True, all_pools=pools)
    assert queue_of(DagsterRun("job", tags=tags, run_op_concurrency=limits)) == queue
    assert queue_of(DagsterRun("job", tags=tags)) == tags.get("dagster-celery/queue", "dagster")


def test_a_run_of_no_worker_is_left_alone(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(_job())
    assert instance.run_launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING
    assert instance.run_launcher.terminate(run.run_id) is False


def test_a_run_is_lost_when_no_worker_says_thrice_that_it_has_it_and_redis_answers(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    launcher = WorkersRunLauncher(url)
    launcher.register_instance(instance)
    run = instance.create_run_for_job(_job(), tags={DAGSTER_CELERY_TASK_ID_TAG: "nobody-has-it"})

    def ask() -> WorkerStatus:
        return launcher.check_run_worker_health(run).status

    redis = redis_server(tmp_path, url)
    try:
        assert [ask(), ask()] == [WorkerStatus.RUNNING, WorkerStatus.RUNNING]
        redis.kill()
        launcher._asked_at -= 1
        with pytest.raises(RedisError):
            ask()
        redis = redis_server(tmp_path, url)
        assert [ask(), ask(), ask()] == [WorkerStatus.RUNNING, WorkerStatus.RUNNING, WorkerStatus.FAILED]
    finally:
        redis.kill()


def _job() -> dg.JobDefinition:
    @dg.op
    def nothing() -> None: ...

    @dg.job
    def by_hand() -> None:
        nothing()

    return by_hand


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "error: MARKET_DATA_REDIS_URL is not set"),
        ({"MARKET_DATA_REDIS_URL": "redis://127.0.0.1/0"}, "error: DAGSTER_HOME is not set"),
        (
            {"MARKET_DATA_REDIS_URL": "redis://127.0.0.1/0", "DAGSTER_HOME": "{folder}"},
            "error: {folder}/dagster.yaml is",
        ),
    ],
)
def test_a_worker_says_what_it_wants(tmp_path: Path, variables: dict[str, str], words: str) -> None:
    known = {name: value for name, value in os.environ.items() if name not in {"MARKET_DATA_REDIS_URL", "DAGSTER_HOME"}}
    done = subprocess.run(
        [sys.executable, "-c", "from market_data.cli import main; main()", "worker"],
        env=known | {name: value.format(folder=tmp_path) for name, value in variables.items()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert words.format(folder=tmp_path) in done.stderr
