"""Runs in warm workers: Celery over Redis, by dagster-celery. Here is what that lacks; nothing here knows a feed.

A run is a task of its own, in the queue of its pool. A task says nothing when it is done: how a run ended stands in
Dagster, so Celery keeps no results. Docs: `docs/production.md`, "Many workers".
"""

import os
import signal
import socket
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from celery import Celery, Task
from celery.apps.worker import Worker
from celery.signals import worker_shutting_down
from celery.worker import state
from dagster import DagsterRun
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster._serdes import ConfigurableClassData
from dagster._utils.interrupts import capture_interrupts
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_QUEUE_TAG, DAGSTER_CELERY_TASK_ID_TAG
from dagster_celery.tasks import create_execute_job_task, create_resume_job_task

DEFAULT_QUEUE = "dagster"
"""Of runs without a pool, or with several."""

# A minute's patience: Redis may be restarted while a run is handed over.
_PATIENCE = {"max_retries": 15, "interval_start": 0, "interval_step": 1, "interval_max": 5}
_CELERY: Mapping[str, Any] = {
    # A worker that dies gives its runs back. Dagster ignores one that had begun and asks for it anew (run retries).
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "task_ignore_result": True,
    # Dagster and the project print their own.
    "worker_redirect_stdouts": False,
    # None waits in a worker that is busy while another is free.
    "worker_prefetch_multiplier": 1,
    # Redis hands a task out again that was not acknowledged for so long: more than the longest run.
    "broker_transport_options": {"visibility_timeout": 6 * 3600 + 600, **_PATIENCE},
    "task_publish_retry_policy": _PATIENCE,
    # A worker outlives any restart of Redis.
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
}
_AGAIN, _AGAIN_SECONDS = 100, 10
"""How often, and how soon, a run that could not begin is begun again: for about as long as it may take to start."""
_ANSWER_SECONDS = 3.0
_SILENCES = 3
"""How often in a row no worker says that it is at a run before the run is lost. Workers that lost Redis for a moment
come back within the time of two polls of the run monitoring."""


class WorkersRunLauncher(CeleryRunLauncher):
    """dagster-celery's launcher, with queues by pool, a health check that sees dead workers, and a clean end.

    Args:
        url: Redis. It stands in no configuration, since Dagster's travels with each run.
    """

    def __init__(self, url: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(DEFAULT_QUEUE, broker=url, config_source=dict(_CELERY), inst_data=inst_data)
        self._silences: dict[str, int] = {}
        self._at_work: Collection[str] = ()
        self._asked_at = -_ANSWER_SECONDS

    def launch_run(self, context: LaunchRunContext) -> None:
        """Put it into its queue."""
        run = context.dagster_run
        tagged = run.with_tags({**run.tags, DAGSTER_CELERY_QUEUE_TAG: queue_of(run)})
        super().launch_run(context._replace(dagster_run=tagged))

    def terminate(self, run_id: str) -> bool:
        """Have its worker end it. False where it is no worker's, or has ended."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished or DAGSTER_CELERY_TASK_ID_TAG not in run.tags:
            return False
        # First, because a run that ends with nobody having asked for it is retried.
        self._instance.report_run_canceling(run)
        return super().terminate(run_id)

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Return whether some worker is at it.

        Asked for runs that have started and not ended, by Dagster's run monitoring.

        What Celery keeps of a task does not tell: that of a killed worker's stays "started". Where Redis does not
        answer nothing is known: this raises, and counting begins anew.
        """
        task = run.tags.get(DAGSTER_CELERY_TASK_ID_TAG)
        silences = self._silences.pop(run.run_id, 0) + 1
        if task is None or task in self._tasks_at_work():  # without a task it was started from a command line
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        if silences < _SILENCES:
            self._silences[run.run_id] = silences
            return CheckRunHealthResult(WorkerStatus.RUNNING, f"no worker is at it, asked {silences} times")
        return CheckRunHealthResult(WorkerStatus.FAILED, f"no worker is at it, asked {silences} times in a row")

    def get_run_worker_debug_info(self, run: DagsterRun, include_container_logs: bool | None = True) -> str:  # noqa: ARG002
        """Who could have taken it."""
        queue = queue_of(run)
        answers = self.celery.control.inspect(timeout=_ANSWER_SECONDS).active_queues() or {}
        listening = sorted(name for name, queues in answers.items() if queue in {each["name"] for each in queues})
        return f"workers that listen to its queue, {queue}: {', '.join(listening) or 'none'}"

    def _tasks_at_work(self) -> Collection[str]:
        """Return the answers: all workers are asked, and once for the runs that the monitoring looks at in one go."""
        if time.monotonic() > self._asked_at + 1:
            answers = self.celery.control.inspect(timeout=_ANSWER_SECONDS).active() or {}
            self._at_work = {task["id"] for tasks in answers.values() for task in tasks}
            self._asked_at = time.monotonic()
        return self._at_work


def queue_of(run: DagsterRun) -> str:
    """Return the one that a tag names, else that of its pool, which is a source's name."""
    pools = (run.run_op_concurrency and run.run_op_concurrency.all_pools) or ()
    return run.tags.get(DAGSTER_CELERY_QUEUE_TAG) or (next(iter(pools)) if len(pools) == 1 else DEFAULT_QUEUE)


class _Run(Task):
    """A run in a worker's child hears SIGTERM as a run process of Dagster's does: it ends where it may.

    Where Dagster's storage does not answer before the run has begun, it is begun later. One that had begun is not:
    Dagster ignores it then, and the run monitoring sees that it is at no worker.
    """

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        before = signal.getsignal(signal.SIGTERM)
        try:
            with capture_interrupts():
                return super().__call__(*args, **kwargs)
        except Exception as error:  # of what happens within a run none gets here
            raise self.retry(exc=error, countdown=_AGAIN_SECONDS, max_retries=_AGAIN) from error
        finally:
            signal.signal(signal.SIGTERM, before)  # what captures them would leave it ignored, as SIGINT is here


def work(launcher: WorkersRunLauncher, queues: Sequence[str], runs: int, name: str) -> int:
    """Take runs out of these queues until told to stop; the exit code. It forks: nothing heavy is loaded before it.

    Args:
        runs: how many at a time.
        name: unique on this machine; the worker answers to `name@hostname`.
    """
    app: Celery = launcher.celery
    create_execute_job_task(app, base=_Run)  # pyright: ignore[reportArgumentType]  **kwargs, mistyped
    create_resume_job_task(app, base=_Run)  # pyright: ignore[reportArgumentType]
    worker = Worker(
        app=app, hostname=f"{name}@{socket.gethostname()}", queues=list(queues), concurrency=runs, loglevel="INFO"
    )
    worker.start()
    return worker.exitcode or 0


@worker_shutting_down.connect
def _end_runs(sig: str, **_: Any) -> None:
    """Celery waits for its tasks to end, for hours if need be; so they are told to. Ctrl-C reaches them by itself."""
    if sig == "SIGTERM":
        for request in tuple(state.active_requests):
            if request.worker_pid:
                os.kill(request.worker_pid, signal.SIGTERM)
