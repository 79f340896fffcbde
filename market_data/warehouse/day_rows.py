"""The rows of one day of a file, whether it has that day alone or a month. The file was checked before."""

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from market_data.warehouse.content_hash import ContentHash
from market_data.warehouse.month_file import DATE, days_in


def scan_day(path: Path, day: dt.date) -> pl.LazyFrame:
    """Return the rows of a day, without the column that only months have."""
    rows = pl.scan_parquet(path, hive_partitioning=False)
    return rows if days_in(path.as_posix()) is None else rows.filter(pl.col(DATE) == day).drop(DATE)


def read_day(path: Path, day: dt.date) -> Any:
    """Return the rows of a day as a `pyarrow.Table` with the table's own columns."""
    with pq.ParquetFile(path) as opened:
        if days_in(path.as_posix()) is None:
            return opened.read()
        own = [name for name in opened.schema_arrow.names if name != DATE]
        return opened.read_row_groups(_groups_of(opened.metadata, day), columns=own)


def content_of(rows: Any) -> str:
    """Return the hash of the rows of a `pyarrow.Table`."""
    content = ContentHash(rows.schema)
    content.update(rows)
    return content.digest()


def content_of_day(path: Path, day: dt.date) -> str:
    """Return the hash of the rows of a day of a file, read piece by piece."""
    if days_in(path.as_posix()) is not None:
        return content_in_month(path, day)
    with pq.ParquetFile(path) as opened:
        return _content(opened, opened.schema_arrow.names, range(opened.metadata.num_row_groups))


def content_in_month(path: Path, day: dt.date) -> str:
    """Return the hash of the rows of a day of a month file, whatever its name."""
    with pq.ParquetFile(path) as opened:
        own = [name for name in opened.schema_arrow.names if name != DATE]
        return _content(opened, own, _groups_of(opened.metadata, day))


def _content(opened: Any, names: Sequence[str], groups: Iterable[int]) -> str:
    import pyarrow as pa  # noqa: PLC0415  of record batches

    content = ContentHash(opened.schema_arrow.field(name) for name in names)
    for batch in opened.iter_batches(row_groups=list(groups), columns=list(names)):
        content.update(pa.Table.from_batches([batch]))
    return content.digest()


def _groups_of(metadata: Any, day: dt.date) -> list[int]:
    """Return which row groups of a month file have the rows of a day: each has those of one."""
    place = metadata.schema.names.index(DATE)
    firsts = ((n, metadata.row_group(n).column(place).statistics.min) for n in range(metadata.num_row_groups))
    return [n for n, first in firsts if first == day]
