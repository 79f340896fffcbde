"""What Dagster's own record says of runs that failed or stand still, as causes for alerts. Nothing is started here."""

import datetime as dt
from collections.abc import Iterator

import dagster as dg
from dagster import DagsterRun, DagsterRunStatus, RunsFilter

from market_data.automation.jobs import feed_of
from market_data.domain.alerts import Cause

FAILED, STALLED = "run", "stall"
_LOOK_BACK = dt.timedelta(days=7)
_MOST_RUNS = 1_000
_LONGEST = 2_000


def failed(instance: dg.DagsterInstance, now: dt.datetime) -> dict[str, list[Cause]]:
    """By feed, a cause where the run that ended last failed."""
    over = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE]
    found: dict[str, list[Cause]] = {}
    for record in instance.get_run_records(RunsFilter(statuses=over, updated_after=now - _LOOK_BACK), _MOST_RUNS):
        run = record.dagster_run
        for feed in _feeds(run):
            if feed not in found:
                found[feed] = [_failed(instance, run, feed)] if run.status == DagsterRunStatus.FAILURE else []
    return found


def stalled(instance: dg.DagsterInstance, now: dt.datetime, after: dt.timedelta) -> dict[str, list[Cause]]:
    """By feed, a cause for each run that is under way and told nothing for so long."""
    found: dict[str, list[Cause]] = {}
    for run in instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTED])):
        newest = instance.get_records_for_run(run.run_id, limit=1, ascending=False).records
        if not newest:
            continue
        silent = now - dt.datetime.fromtimestamp(newest[0].event_log_entry.timestamp, dt.UTC)
        for feed in _feeds(run) if silent > after else ():
            found.setdefault(feed, []).append(_stalled(run, feed, silent))
    return found


def _feeds(run: DagsterRun) -> Iterator[str]:
    """Yield the feeds that a run works for: by its assets, or by the name of its job."""
    if run.asset_selection:
        yield from sorted({key.path[0] for key in run.asset_selection})
    elif (feed := feed_of(run.job_name)) is not None:
        yield feed


def why(instance: dg.DagsterInstance, run: DagsterRun) -> str:
    """Return what a run that failed says of it."""
    events = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE, limit=1).records
    for event in events:
        data = event.event_log_entry.get_dagster_event().step_failure_data
        told = data.user_failure_data
        words = (told.description if told else None) or (data.error.message if data.error else "")
        return words.strip()
    return "it ended without a word, see its log"


def _failed(instance: dg.DagsterInstance, run: DagsterRun, feed: str) -> Cause:
    return Cause(
        kind=FAILED,
        severity="error",
        title="a run failed",
        text=f"run {run.run_id}: {why(instance, run)}"[:_LONGEST],
        feed=feed,
    )


def _stalled(run: DagsterRun, feed: str, silent: dt.timedelta) -> Cause:
    minutes = int(silent.total_seconds() // 60)
    return Cause(
        kind=STALLED,
        severity="warning",
        title="a run stands still",
        text=f"run {run.run_id} told nothing for {minutes} minutes",
        feed=feed,
        name=run.run_id,
    )
