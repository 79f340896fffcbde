"""A run whose storage, Dagster's own, fails under it: it ends as one whose process died, and is retried."""

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import RunFailureReason
from dagster._core.storage.tags import RUN_FAILURE_REASON_TAG, WILL_RETRY_TAG
from dagster_postgres.utils import DagsterPostgresException, retry_pg_connection_fn
from sqlalchemy import NullPool, create_engine, text

from market_data.resources.failures import bugs_are_told
from market_data_tests.databases import Server, postgres

RETRIES = {"run_retries": {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False}}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as running:
        yield running


def cut_off(server: Server) -> None:
    """What Dagster's storage meets when its server goes away."""
    with create_engine(server.url(), poolclass=NullPool).connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


def never_reached(server: Server) -> None:
    """What it says itself, after some attempts."""
    retry_pg_connection_fn(lambda: cut_off(server), retry_limit=0, retry_wait=0)


@pytest.mark.parametrize("lose", [cut_off, never_reached])
def test_a_run_that_loses_dagsters_storage_counts_as_died(
    lose: Callable[[Server], None], server: Server, tmp_path: Path
) -> None:
    @dg.op
    def loses() -> None:
        with bugs_are_told():
            lose(server)

    @dg.job(executor_def=dg.in_process_executor)
    def work() -> None:
        loses()

    with dg.instance_for_test(overrides=RETRIES, temp_dir=str(tmp_path)) as instance:
        with pytest.raises(dg.DagsterExecutionInterruptedError, match="Dagster's own storage failed: "):
            work.execute_in_process(instance=instance)
        (run,) = instance.get_runs()
    assert run.tags[RUN_FAILURE_REASON_TAG] == RunFailureReason.UNEXPECTED_TERMINATION.value
    assert run.tags[WILL_RETRY_TAG] == "true"


def test_the_error_that_dagster_makes_of_it_is_known(server: Server) -> None:
    with pytest.raises(DagsterPostgresException):
        never_reached(server)
