"""Many small files of a month into one: which months it is worth for, and doing it. No answer of a query changes.

A month file is written and read back before the ledger names it, in one transaction for all its days: whatever ends a
compaction, readers see the old files or the new one. Old files stay for a day, for those who read them.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import extract, func, select

from market_data.domain.partition import Partition
from market_data.domain.tables import table as table_named
from market_data.ledger.file import File
from market_data.ledger.ledger import Ledger
from market_data.ledger.revision import Revision, counting
from market_data.ledger.schema import files, revisions
from market_data.storage.files import sync_file
from market_data.warehouse.day_rows import content_of, contents_in_month, read_day
from market_data.warehouse.month_file import DATE, MONTH, new_month_path
from market_data.warehouse.parquet import ROWS_PER_GROUP, sql_type, writer_settings
from market_data.warehouse.store import Warehouse, faults_of
from market_data.warehouse.verification import hashes

CLOSED_DAYS = 7
BELOW_BYTES = 4_000_000
_ROWS_AT_LEAST = 65_536
"""Days share row groups up to here: DuckDB took three times as long for 30 groups of 240 rows as for one of all, and
they had twice its bytes."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is compacted.

    Attributes:
        today: the UTC day.
        closed_days: how many days ago a month must have ended.
        below_bytes: files of that size or more stay as they are.
    """

    today: dt.date
    closed_days: int = CLOSED_DAYS
    below_bytes: int = BELOW_BYTES

    @property
    def before(self) -> dt.date:
        """Return the first day of the first month that is not closed."""
        return (self.today - dt.timedelta(days=self.closed_days)).replace(day=1)


@dataclass(frozen=True, slots=True)
class Month:
    """Small files of one table, symbol and month whose columns are the same."""

    table: str
    feed: str
    symbol: str
    first: dt.date
    columns: str
    files: int
    size_bytes: int

    def __str__(self) -> str:
        return f"{self.table} {self.feed} {self.symbol} {self.first:%Y-%m}"


@dataclass(frozen=True, slots=True)
class Compacted:
    """What became of a month.

    Attributes:
        days: how many are read from the month file now; 0 where nothing was changed.
        files: how many there were for them before.
        left_out: days that were left as they are, with the reason.
    """

    month: Month
    days: int = 0
    files: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    left_out: Sequence[str] = ()


def months(ledger: Ledger, limits: Limits, feed: str | None = None, tables: Collection[str] = ()) -> list[Month]:
    """Return the closed months that have several small files of the same columns, in order."""
    c, f = revisions.c, files.c
    parts = (extract("year", c.date).label("year"), extract("month", c.date).label("month"))
    each = select(c.table_name, c.feed, c.symbol, *parts, c.columns, f.path, f.size_bytes)
    each = each.join_from(revisions, files, f.path == c.path)
    each = each.where(counting(None), c.date < limits.before, f.size_bytes < limits.below_bytes)
    each = each if feed is None else each.where(c.feed == feed)
    each = each.where(c.table_name.in_(tables)) if tables else each
    once = each.distinct().subquery()  # a file of several days comes once
    keys = (once.c.table_name, once.c.feed, once.c.symbol, once.c.year, once.c.month, once.c.columns)
    count = func.count()
    several = select(*keys, count, func.sum(once.c.size_bytes)).group_by(*keys).having(count > 1).order_by(*keys)
    return [
        Month(table, name, symbol, dt.date(int(year), int(month), 1), columns, number, int(size))
        for table, name, symbol, year, month, columns, number, size in ledger.all_rows(several)
    ]


def compact(warehouse: Warehouse, month: Month, below_bytes: int = BELOW_BYTES) -> Compacted:
    """Bring the small files of a month into one, and have the ledger read their rows there.

    What was replaced meanwhile stays as it was replaced. On a bucket, what this process brought of it is let go.
    """
    work = _Compaction(warehouse, month)
    path = warehouse.folder() / f"month-{uuid.uuid4().hex}.parquet"
    try:
        return work.run(path, below_bytes)
    finally:
        path.unlink(missing_ok=True)
        warehouse.release()


@dataclass(slots=True)
class _Day:
    """A day on its way into a month file."""

    revision: Revision
    content: str


@dataclass(slots=True)
class _Compaction:
    """One month at work."""

    warehouse: Warehouse
    month: Month
    left_out: list[str] = field(default_factory=list[str])

    def run(self, path: Path, below_bytes: int) -> Compacted:
        """See `compact`."""
        small = self._small(below_bytes)
        faults = faults_of(self.warehouse, [revision for revision, _ in small])
        for revision, _ in small:
            if revision.id in faults:
                self._leave_out(revision, faults[revision.id])
        whole = [(revision, file) for revision, file in small if revision.id not in faults]
        if len({file.path for _, file in whole}) < 2:  # noqa: PLR2004  one file already
            return self._nothing()
        days = self._write(path, [revision for revision, _ in whole])
        kept = {day.revision.id for day in days}
        sources = {file.path: file for revision, file in whole if revision.id in kept}
        if len(sources) < 2 or not self._reads_back(path, days):  # noqa: PLR2004
            return self._nothing()
        return self._switch(path, days, list(sources.values()))

    def _small(self, below_bytes: int) -> list[tuple[Revision, File]]:
        """Return what counts of the month and lies in small files, by day."""
        c, first = revisions.c, self.month.first
        following = (first + dt.timedelta(days=31)).replace(day=1)
        named = (c.table_name == self.month.table, c.feed == self.month.feed, c.symbol == self.month.symbol)
        found = self.warehouse.ledger.find(*named, c.columns == self.month.columns, c.date >= first, c.date < following)
        listed = self.warehouse.ledger.files_of(found)
        pairs = [(each, listed[each.id]) for each in found if each.id in listed]
        return [(revision, file) for revision, file in pairs if file.size_bytes < below_bytes]

    def _write(self, path: Path, wanted: Sequence[Revision]) -> list[_Day]:
        """Write the rows of days in their order; return the days whose rows are those that the ledger knows."""
        schema, days, waiting = self._schema(wanted[0]), list[_Day](), list[Any]()
        if schema is None:
            return days
        settings = writer_settings(table_named(self.month.table), schema)
        settings["use_dictionary"] = [*settings["use_dictionary"], DATE]
        with pq.ParquetWriter(path, schema, **settings) as writer:
            for revision in wanted:
                rows = read_day(self.warehouse.root / revision.path, revision.partition.date)
                day = self._known(revision, rows)
                if day is not None:
                    days.append(day)
                    waiting.append(_dated(rows, revision.partition.date, schema))
                if sum(each.num_rows for each in waiting) >= _ROWS_AT_LEAST:
                    _write_group(writer, waiting)
            _write_group(writer, waiting)
        return days

    def _schema(self, revision: Revision) -> Any:
        """Return the columns of a month file; None where the table has one of the names that it needs itself."""
        rows = read_day(self.warehouse.root / revision.path, revision.partition.date)
        own = rows.schema.remove_metadata()
        if {DATE, MONTH} & {name.lower() for name in own.names}:
            self.left_out.append(f"{self.month}: it has a column {DATE} or {MONTH} of its own")
            return None
        if self.warehouse.ledger.types_of(self.month.columns) is None:  # an earlier version did not note them
            kinds = pl.DataFrame(pl.from_arrow(own.empty_table())).schema
            self.warehouse.ledger.note_types(
                self.month.columns, [(name, sql_type(kind)) for name, kind in kinds.items()]
            )
        return own.append(pa.field(DATE, pa.date32()))

    def _known(self, revision: Revision, rows: Any) -> _Day | None:
        """Return the day if its rows are those that the ledger knows. Earlier versions did not note their hash."""
        content = content_of(rows)
        if rows.num_rows != revision.rows or revision.content not in {None, content}:
            self._leave_out(revision, "has other rows than the ledger knows")
            return None
        if revision.content is None:
            self.warehouse.ledger.note_content(revision, content)
        return _Day(revision, content)

    def _reads_back(self, path: Path, days: Sequence[_Day]) -> bool:
        """Return whether each day is read from the new file as it was read from its own, and nothing besides."""
        dates = [day.revision.partition.date for day in days]
        found = contents_in_month(path, dates)
        wrong = [day for day, date in zip(days, dates, strict=True) if found[date] != day.content]
        for day in wrong:
            self._leave_out(day.revision, "is not read back from the new file as it was")
        return not wrong

    def _switch(self, path: Path, days: Sequence[_Day], before: Sequence[File]) -> Compacted:
        """Put the new file and have the ledger name it; take it back where all was replaced meanwhile."""
        sync_file(path)
        slow, fast = hashes(path)
        partition = Partition(self.month.feed, self.month.first, self.month.symbol)
        file = File(new_month_path(self.month.table, partition, len(days)), slow, fast, path.stat().st_size)
        self.warehouse.files.put(path, file)
        moved = self.warehouse.move([day.revision for day in days], file)
        if not moved:
            self.warehouse.files.withdraw(file)
            return self._nothing()
        size = sum(each.size_bytes for each in before)
        return Compacted(self.month, min(moved, len(days)), len(before), size, file.size_bytes, tuple(self.left_out))

    def _nothing(self) -> Compacted:
        return Compacted(self.month, left_out=tuple(self.left_out))

    def _leave_out(self, revision: Revision, why: str) -> None:
        address = self.warehouse.address(revision)
        self.left_out.append(f"{revision.table} {revision.partition}: {address} {why}")


def _dated(rows: Any, date: dt.date, schema: Any) -> Any:
    return rows.append_column(DATE, pa.array([date] * rows.num_rows, pa.date32())).cast(schema)


def _write_group(writer: Any, waiting: list[Any]) -> None:
    """Write the days that wait as a row group, several where it is many rows."""
    rows = pa.concat_tables(waiting).combine_chunks() if waiting else None
    waiting.clear()
    if rows is not None and rows.num_rows:
        writer.write_table(rows, row_group_size=ROWS_PER_GROUP)
