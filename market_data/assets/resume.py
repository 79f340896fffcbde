"""What earlier attempts of a run recorded, so that the next one does only the rest. Nothing is recorded here."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import dagster as dg
from dagster import DagsterEventType, DagsterRun, EventLogRecord

_PAGE = 1_000
_TYPES = {DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_CHECK_EVALUATION}
Verdicts = dict[str, dict[str, dg.AssetCheckSeverity | None]]
"""By check and partition, how grave it is; None where it passed."""


@dataclass(slots=True)
class Earlier:
    """What was recorded.

    Attributes:
        done: keys of the partitions that need not be done again.
        judged: what the checks said of those.
    """

    done: set[str] = field(default_factory=set[str])
    judged: Verdicts = field(default_factory=Verdicts)


def earlier(instance: dg.DagsterInstance, run: DagsterRun, tables: Collection[str], checks: Collection[str]) -> Earlier:
    """Return what this run, and those that it is a retry from failure of, recorded before this attempt began.

    Done is a partition with all the tables that are asked for, and, where checks are, with what they said: checks that
    could not be run leave nothing. The last one that an attempt recorded anything of is done again: nothing says that
    its checks are all there.
    """
    found = Earlier()
    for each in _attempts(instance, run):
        _take(found, instance, each, tables, checks)
    found.judged = {
        check: {key: verdict for key, verdict in by_partition.items() if key in found.done}
        for check, by_partition in found.judged.items()
    }
    return found


def _attempts(instance: dg.DagsterInstance, run: DagsterRun) -> Iterator[DagsterRun]:
    """Yield the run, and the one it takes up, and so on.

    A run that is all of another one once more takes up nothing.
    """
    at: DagsterRun | None = run
    while at is not None:
        yield at
        again = at.parent_run_id if at.is_resume_retry else None
        at = instance.get_run_by_id(again) if again else None


def _take(
    found: Earlier, instance: dg.DagsterInstance, run: DagsterRun, tables: Collection[str], checks: Collection[str]
) -> None:
    made: dict[str, set[str]] = {}
    judged: Verdicts = {}
    last = None
    for record in _records(instance, run):
        event = record.event_log_entry.get_dagster_event()
        if event.event_type == DagsterEventType.ASSET_MATERIALIZATION:
            last = event.partition
            if last is not None and event.asset_key is not None:
                made.setdefault(last, set()).add(event.asset_key.path[-1])
        else:
            evaluation = event.asset_check_evaluation_data
            if evaluation.partition is not None:
                last = evaluation.partition
                verdict = None if evaluation.passed else evaluation.severity
                judged.setdefault(evaluation.check_name, {})[last] = verdict
    whole = {key for key, those in made.items() if key != last and those.issuperset(tables)}
    if checks:
        whole &= set().union(*judged.values())
    found.done |= whole
    for check, verdicts in judged.items():  # what a later run said counts, and of one run what it said last
        found.judged[check] = verdicts | found.judged.get(check, {})


def _records(instance: dg.DagsterInstance, run: DagsterRun) -> Iterator[EventLogRecord]:
    cursor = None
    while True:
        page = instance.get_records_for_run(run.run_id, cursor, _TYPES, _PAGE)
        yield from page.records
        if not page.has_more:
            return
        cursor = page.cursor
