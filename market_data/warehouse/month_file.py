"""Where the files of whole months lie, and which days are meant from them. Light: queries need it.

A month file has the rows of several days of one symbol, in order, and a column `date` beside the table's own, by which
the days are told apart. How many days it has stands in its name, so that a reader who means
all of them needs no condition.
"""

import re
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from market_data.domain.partition import Partition

DATE, MONTH = "date", "month"
"""The column beside the table's own, and the key of its folder: no table that has one of them is compacted."""
FILES = "_files"
_NAME = re.compile(r"/month=\d{4}-\d\d/(\d+)-days-[0-9a-f]+\.parquet$")


class Source(NamedTuple):
    """Files of one shape that a query reads in the same way.

    Attributes:
        days: which days are meant from month files, ISO 8601, where not all of theirs are; else empty.
    """

    columns: str
    is_month: bool
    days: tuple[str, ...]
    paths: Sequence[str]


def new_month_path(table: str, partition: Partition, days: int) -> str:
    """Return a path for the month of a partition that no other file has or will have."""
    keys = f"feed={partition.feed}/symbol={partition.symbol}/{MONTH}={partition.date:%Y-%m}"
    return f"{FILES}/{table}/{keys}/{days}-days-{uuid.uuid4().hex}.parquet"


def days_in(path: str) -> int | None:
    """Return how many days a month file has; None for a file of one day."""
    found = _NAME.search(path)
    return None if found is None else int(found[1])


def sources(partitions: Iterable[tuple[str, str, Any]]) -> list[Source]:
    """Return what is to be read for partitions, which come as fingerprint of columns, path and day."""
    daily: defaultdict[str, list[str]] = defaultdict(list)
    meant: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for columns, path, day in partitions:
        if days_in(path) is None:
            daily[columns].append(path)
        else:
            meant[columns, path].append(str(day))
    monthly: defaultdict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (columns, path), days in meant.items():
        monthly[columns, () if len(days) == days_in(path) else tuple(sorted(days))].append(path)
    found = [Source(columns, False, (), paths) for columns, paths in daily.items()]
    return found + [Source(columns, True, days, paths) for (columns, days), paths in monthly.items()]
