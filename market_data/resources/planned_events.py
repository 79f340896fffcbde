"""What a run intends of its partitions, as statements of SQLite: of one event a row a partition. Nothing is executed.

Dagster makes an event a partition and asset, and a row a partition and check: 140,000 of a run of 10,000, each built,
sorted, reported and turned into parameters in Python, which took 13 s of CPU. What differs between them is the
partition alone, so SQLite makes the rows.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dagster import EventLogEntry
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.definitions.partitions.subset import DefaultPartitionsSubset
from dagster._core.events import DagsterEventType
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._serdes import serialize_value
from dagster_shared.record import copy
from sqlalchemy import ColumnElement, Insert, Table, func, literal, select

from market_data.resources.event_text import packed

RowOf = Callable[[EventLogEntry], Mapping[str, Any]]
_PARTITION = "the partition of this event"
"""Where the partition stands in the text that all have in common."""


def planned_keys(event: EventLogEntry) -> Sequence[str] | None:
    """Return the partitions of an event that plans a table's or a check's; None of any other event."""
    told = event.dagster_event
    if told is None:
        return None
    if told.event_type == DagsterEventType.ASSET_MATERIALIZATION_PLANNED:
        subset = told.asset_materialization_planned_data.partitions_subset
    elif told.event_type == DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
        subset = told.asset_check_planned_data.partitions_subset
    else:
        return None
    return None if subset is None else sorted(subset.get_partition_keys())


def planned_materializations(event: EventLogEntry, keys: Sequence[str], row_of: RowOf) -> Insert:
    """Return the insertion of an event a partition, each as Dagster would have made it.

    Args:
        row_of: what Dagster stores of an event.
    """
    told = event.get_dagster_event()
    data = told.asset_materialization_planned_data._replace(partition=_PARTITION, partitions_subset=None)
    row = row_of(event._replace(dagster_event=told._replace(event_specific_data=data)))
    before, marked, after = row["event"].partition(f'"partition": "{_PARTITION}"')
    before += marked.removesuffix(f'"{_PARTITION}"')
    key = _each(keys)
    text = literal(before).concat(func.json_quote(key)).concat(literal(after))
    return _insertion(SqlEventLogStorageTable, {**row, "event": text, "partition": key})


def row_of_planned_check(event: EventLogEntry, row_of: RowOf) -> dict[str, Any] | None:
    """Return what is stored of an event that plans a check, its 10,000 keys written at once; None of any other event.

    Dagster looks at each key by itself to see what it is, which of eleven checks took 1 s.
    """
    told = event.dagster_event
    if told is None or told.event_type != DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
        return None
    planned = told.asset_check_planned_data
    if not isinstance(planned.partitions_subset, DefaultPartitionsSubset):
        return None
    of_one = copy(planned, partitions_subset=DefaultPartitionsSubset({_PARTITION}))
    row = row_of(event._replace(dagster_event=told._replace(event_specific_data=of_one)))
    keys = json.dumps([*planned.partitions_subset.subset])
    return {**row, "event": row["event"].replace(f'"__set__": ["{_PARTITION}"]', f'"__set__": {keys}', 1)}


def planned_checks(event: EventLogEntry, event_id: int | None, timestamp: object, keys: Sequence[str]) -> Insert:
    """Return the insertion of a row a partition. Dagster's own has all partitions of the run in each."""
    planned = event.get_dagster_event().asset_check_planned_data
    without = AssetCheckEvaluationPlanned(asset_key=planned.asset_key, check_name=planned.check_name)
    short = event.get_dagster_event()._replace(event_specific_data=without)
    row = {
        "asset_key": planned.asset_key.to_string(),
        "check_name": planned.check_name,
        "run_id": event.run_id,
        "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
        "evaluation_event": packed(serialize_value(event._replace(dagster_event=short))),
        "evaluation_event_timestamp": timestamp,
        "evaluation_event_storage_id": event_id,
        "partition": _each(keys),
    }
    return _insertion(AssetCheckExecutionsTable, row)


def _each(keys: Sequence[str]) -> ColumnElement[str]:
    return func.json_each(json.dumps(keys)).table_valued("value").c.value


def _insertion(table: Table, row: Mapping[str, Any]) -> Insert:
    """Return the insertion of a row that is the same for each key, but for what is made of it."""
    values = [
        value if isinstance(value, ColumnElement) else literal(value, table.c[name].type) for name, value in row.items()
    ]
    return table.insert().from_select(list(row), select(*values))
