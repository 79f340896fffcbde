"""Dagster's event log in SQLite, whose files stay open between two events. What an event is, Dagster says.

Dagster makes an engine, compiles each statement and closes the file again for every connection, up to five times an
event; of a small partition that was three quarters of the time. Files and schema are the same, and what Dagster's own
class writes is read; long texts are packed (`event_text`), and what a run intends is stored at once (`planned_events`).
"""

import contextlib
import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import AssetKey, EventLogEntry, EventLogRecord
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, DagsterEventType
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, inspect

from market_data.resources.event_text import pack_through
from market_data.resources.planned_events import (
    planned_checks,
    planned_keys,
    planned_materializations,
    row_of_planned_check,
)
from market_data.resources.sqlite_engines import Engines

OPEN_FILES = 9
"""The index and eight runs. Each is three file descriptors (the file, its log, the log's index)."""
_REMEMBERED = 256
"""Materializations of which the id is remembered: those of a partition or two are asked for."""
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
        """Give a transaction; within one of the same thread and file, that one."""
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

    @property
    def supports_partition_subset_in_asset_materialization_planned_events(self) -> bool:
        """It takes an event for all partitions of a run; other than where Dagster has it so, it stores one of each."""
        return True

    def store_event(self, event: EventLogEntry) -> None:
        """Store an event as Dagster does: in the run's file, and then, in one transaction, all that the index says."""
        of_index = event.is_dagster_event and event.dagster_event_type in _MIRRORED
        with self.index_connection() if of_index else contextlib.nullcontext():
            self._store(event)
        self._touch(event.run_id)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events in one transaction a file."""
        runs = {event.run_id for event in events}
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.index_connection())
            for run_id in runs:
                stack.enter_context(self._connect(run_id))
            for event in events:
                self._store(event)
        for run_id in runs:
            self._touch(run_id)

    def _store(self, event: EventLogEntry) -> None:
        keys = planned_keys(event) if _plans_a_materialization(event) else None
        if keys is None:
            super().store_event(event)
        elif keys:
            rows = planned_materializations(event, keys, self._event_to_row)
            with self._connect(event.run_id) as run, self.index_connection() as index:
                run.execute(rows)
                index.execute(rows)
                self._store_asset_event(index, event, _NO_ID)

    def _event_to_row(self, event: EventLogEntry) -> dict[str, Any]:
        row_of = super()._event_to_row
        return row_of_planned_check(event, row_of) or row_of(event)

    def _store_asset_check_evaluation_planned(self, event: EventLogEntry, event_id: int | None) -> None:
        keys = planned_keys(event)
        if keys is None:
            super()._store_asset_check_evaluation_planned(event, event_id)
        elif keys:
            with self.index_connection() as index:
                index.execute(planned_checks(event, event_id, self._event_insert_timestamp(event), keys))

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
        """Return whether the index has a table. One that is there stays: only migrations make any."""
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
