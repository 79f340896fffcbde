"""Dagster's event log in SQLite, whose files stay open between two events. What an event is, Dagster says.

Dagster makes an engine, compiles each statement and closes the file again for every connection, up to five times an
event; of a small partition that was three quarters of the time. Files and schema are the same, and Dagster's own class
reads and writes them beside this one.
"""

import contextlib
import itertools
import json
import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import AssetKey, EventLogEntry, EventLogRecord
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, DagsterEventType
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData, serialize_value
from sqlalchemy import Connection, Engine, inspect

from market_data.resources.event_text import pack_through
from market_data.resources.sqlite_engines import Engines

OPEN_FILES = 9
"""The index and eight runs. Each is three file descriptors (the file, its log, the log's index)."""
_REMEMBERED = 256
"""Materializations of which the id is remembered: those of a partition or two are asked for."""
_PARTITION, _TIME = "the partition of this event", -0.5
"""Where each event's own partition and time are put."""
_NO_ID = 0
"""For an event whose id stands nowhere."""
_MIRRORED = ASSET_EVENTS | ASSET_CHECK_EVENTS
"""Types that stand in the run's file and in the index."""


class SqliteStorage(DagsterSqliteStorage):
    """Dagster's storage in SQLite, with `SqliteEventLog` as its event log."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        folder = Path(self._event_log_storage.path_for_shard(INDEX_SHARD_NAME)).parent
        self._event_log_storage = SqliteEventLog(str(folder))


class SqliteEventLog(SqliteEventLogStorage):
    """Dagster's event log; one thread at a time uses it, as there, and one connection a file."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._guard = threading.RLock()
        self._engines = Engines(OPEN_FILES, SQLITE_BUSY_TIMEOUT_SECONDS)
        self._begun: dict[str, Connection] = {}
        self._tables: set[str] = set()
        self._columns: set[str] = set()
        self._written: OrderedDict[tuple[AssetKey, str | None], EventLogRecord] = OrderedDict()
        _ALL.add(self)
        weakref.finalize(self, self._engines.close)
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Generator[Connection]:
        """A transaction; within one of the same thread and file, that one."""
        with self._guard:
            begun = self._begun.get(shard)
            if begun is not None:
                yield begun
                return
            engine = self._engines.of(self.path_for_shard(shard), lambda new: self._prepare(shard, new))
            with engine.begin() as connection:
                self._begun[shard] = connection
                try:
                    yield connection
                finally:
                    self._begun.pop(shard, None)

    def _prepare(self, shard: str, engine: Engine) -> None:
        """Make and stamp the tables as Dagster does, of a file that this process has not used or that is gone."""
        pack_through(engine)
        if shard not in self._initialized_dbs or not Path(self.path_for_shard(shard)).exists():
            self._initdb(engine)
            self._initialized_dbs.add(shard)

    def store_event(self, event: EventLogEntry) -> None:
        """Store an event as Dagster does: in the run's file, and then, in one transaction, all that the index says."""
        of_index = event.is_dagster_event and event.dagster_event_type in _MIRRORED
        with self.index_connection() if of_index else contextlib.nullcontext():
            super().store_event(event)
        self._touch(event.run_id)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events in one transaction a file, those that plan a materialization in one statement."""
        runs = {event.run_id for event in events}
        with contextlib.ExitStack() as stack:
            index = stack.enter_context(self.index_connection())
            shards = {run_id: stack.enter_context(self._connect(run_id)) for run_id in runs}
            for planned, group in itertools.groupby(events, _plans_a_materialization):
                if planned:
                    self._store_planned(index, shards, list(group))
                else:
                    for event in group:
                        super().store_event(event)
        for run_id in runs:
            self._touch(run_id)

    def _store_planned(
        self, index: Connection, shards: Mapping[str, Connection], events: Sequence[EventLogEntry]
    ) -> None:
        """Store planned materializations; of an asset the last one says what stands in Dagster's table of assets."""
        rows = list(self._planned_rows(events))
        for run_id, shard in shards.items():
            of_run = [row for row in rows if row["run_id"] == run_id]
            if of_run:
                shard.execute(SqlEventLogStorageTable.insert(), of_run)
        index.execute(SqlEventLogStorageTable.insert(), rows)
        for event in {event.get_dagster_event().asset_key: event for event in events}.values():
            self._store_asset_event(index, event, _NO_ID)

    def _planned_rows(self, events: Sequence[EventLogEntry]) -> Iterator[dict[str, Any]]:
        """Yield what is stored of planned materializations.

        Those of an asset differ in partition and time only, and most of the time went into writing each as JSON.
        """
        common: EventLogEntry | None = None
        row: dict[str, Any] = {}
        for event in events:
            told = event.get_dagster_event()
            planned = told.asset_materialization_planned_data
            if planned.partition is None:
                yield self._event_to_row(event)
                continue
            marked = told._replace(event_specific_data=planned._replace(partition=_PARTITION))
            same = event._replace(timestamp=_TIME, dagster_event=marked)
            if same != common:
                common, row = same, self._event_to_row(same)
            text = row["event"].replace(
                f'"partition": "{_PARTITION}"', f'"partition": {json.dumps(planned.partition)}', 1
            )
            text = text.replace(f'"timestamp": {_TIME}', f'"timestamp": {json.dumps(event.timestamp)}', 1)
            stamp = self._event_insert_timestamp(event)
            yield row | {"event": text, "partition": planned.partition, "timestamp": stamp}

    def _store_asset_check_evaluation_planned(self, event: EventLogEntry, event_id: int | None) -> None:
        """Store a row a partition. Dagster's own has all partitions of the run in each: of 10,000, 200 kB a row."""
        planned = event.get_dagster_event().asset_check_planned_data
        if planned.partitions_subset is None:
            super()._store_asset_check_evaluation_planned(event, event_id)
            return
        without = AssetCheckEvaluationPlanned(asset_key=planned.asset_key, check_name=planned.check_name)
        short = event.get_dagster_event()._replace(event_specific_data=without)
        of_all = {
            "asset_key": planned.asset_key.to_string(),
            "check_name": planned.check_name,
            "run_id": event.run_id,
            "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
            "evaluation_event": serialize_value(event._replace(dagster_event=short)),
            "evaluation_event_timestamp": self._event_insert_timestamp(event),
            "evaluation_event_storage_id": event_id,
        }
        rows = [{**of_all, "partition": key} for key in planned.partitions_subset.get_partition_keys()]
        if rows:
            with self.index_connection() as connection:
                connection.execute(AssetCheckExecutionsTable.insert(), rows)

    def _touch(self, run_id: str) -> None:
        """Tell who watches the run. SQLite writes into the log beside the file until the file is closed."""
        with contextlib.suppress(FileNotFoundError):
            os.utime(self.path_for_shard(run_id))

    def _store_asset_event(self, conn: Connection, event: EventLogEntry, event_id: int) -> None:
        super()._store_asset_event(conn, event, event_id)
        told = event.get_dagster_event()
        if told.is_step_materialization and told.asset_key:
            self._written[told.asset_key, told.partition] = EventLogRecord(event_id, event)
            self._written.move_to_end((told.asset_key, told.partition))
            while len(self._written) > _REMEMBERED:
                self._written.popitem(last=False)

    def written(self, asset: AssetKey, partition: str | None, run_id: str) -> EventLogRecord | None:
        """Return the materialization that this object stored last of a partition, if it is the run's and recent."""
        record = self._written.get((asset, partition))
        return record if record is not None and record.run_id == run_id else None

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table. One that is there stays: only migrations make any."""
        if table_name not in self._tables:
            with self.index_connection() as connection:
                if not inspect(connection).has_table(table_name):
                    return False
            self._tables.add(table_name)
        return True

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        if column_name not in self._columns:
            if not super()._has_asset_key_col_on_connection(conn, column_name):
                return False
            self._columns.add(column_name)
        return True

    def wipe(self) -> None:
        """Remove every event, and the files of runs."""
        with self._guard:
            self._engines.close()
            super().wipe()
            self._written.clear()

    def dispose(self) -> None:
        """Close the files and end watching; as with Dagster's own, it may be used again."""
        super().dispose()
        with self._guard:
            self._engines.close()

    def begin_in_fork(self) -> None:
        """Begin anew in a forked process, whose parent's other threads may have held the lock."""
        self._guard = threading.RLock()
        self._db_lock = threading.Lock()
        self._begun = {}


def _plans_a_materialization(event: EventLogEntry) -> bool:
    return event.is_dagster_event and event.dagster_event_type == DagsterEventType.ASSET_MATERIALIZATION_PLANNED


_ALL: "weakref.WeakSet[SqliteEventLog]" = weakref.WeakSet()


def _begin_all_in_fork() -> None:
    for storage in list(_ALL):
        storage.begin_in_fork()


os.register_at_fork(after_in_child=_begin_all_in_fork)
