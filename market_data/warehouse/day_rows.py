"""The rows of one day of a file, whether it has that day alone or a month. The file was checked before."""

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from market_data.warehouse.content_hash import ContentHash
from market_data.warehouse.month_file import DATE, days_in

pc: Any = pyarrow.compute  # its functions are made when it is imported: no checker sees them


def scan_day(path: Path, day: dt.date) -> pl.LazyFrame:
    """Return the rows of a day, without the column that only months have."""
    rows = pl.scan_parquet(path, hive_partitioning=False)
    return rows if days_in(path.as_posix()) is None else rows.filter(pl.col(DATE) == day).drop(DATE)


def read_day(path: Path, day: dt.date) -> Any:
    """Return the rows of a day as a `pyarrow.Table` with the table's own columns."""
    with pq.ParquetFile(path) as opened:
        if days_in(path.as_posix()) is None:
            return opened.read()
        rows = opened.read_row_groups(_groups_of(opened.metadata, day))
        return rows.filter(pc.equal(rows.column(DATE), day)).drop_columns(DATE)


def content_of(rows: Any) -> str:
    """Return the hash of the rows of a `pyarrow.Table`."""
    content = ContentHash(rows.schema)
    content.update(rows)
    return content.digest()


def content_of_day(path: Path, day: dt.date) -> str:
    """Return the hash of the rows of a day of a file; of one that has a day alone it is read piece by piece."""
    if days_in(path.as_posix()) is not None:
        return content_of(read_day(path, day))
    with pq.ParquetFile(path) as opened:
        content = ContentHash(opened.schema_arrow)
        for batch in opened.iter_batches():
            content.update(pa.Table.from_batches([batch]))
        return content.digest()


def contents_in_month(path: Path, days: Iterable[dt.date]) -> dict[dt.date, str]:
    """Return the hash of the rows of each day of a month file, whatever its name, from one reading.

    Raises:
        KeyError: it has rows of another day.
    """
    with pq.ParquetFile(path) as opened:
        own = [field for field in opened.schema_arrow if field.name != DATE]
        found = {day: ContentHash(own) for day in days}
        for number in range(opened.num_row_groups):
            group, first = opened.read_row_group(number), 0
            for counted in pc.value_counts(group.column(DATE)).to_pylist():  # days come in their order
                found[counted["values"]].update(group.slice(first, counted["counts"]))
                first += counted["counts"]
    return {day: content.digest() for day, content in found.items()}


def _groups_of(metadata: Any, day: dt.date) -> list[int]:
    """Return which row groups of a month file can have rows of a day."""
    place = metadata.schema.names.index(DATE)
    bounds = ((n, metadata.row_group(n).column(place).statistics) for n in range(metadata.num_row_groups))
    return [n for n, each in bounds if each.min <= day <= each.max]
