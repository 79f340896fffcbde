"""Questions about the warehouse's files as a whole, for whoever watches over it. Nothing is changed or mended."""

import datetime as dt
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine, func, inspect, select

from market_data.domain.partition import Partition
from market_data.ledger.database import SCHEMA
from market_data.ledger.file import File
from market_data.ledger.ledger import Ledger
from market_data.ledger.revision import counting
from market_data.ledger.schema import files, metadata, revisions, series
from market_data.storage.locks import is_held


class Entry(NamedTuple):
    """A revision that counts, and its file."""

    id: int
    table: str
    partition: Partition
    file: File


def lacking(engine: Engine) -> list[str]:
    """Return relations and columns that the ledger should have and has not, as `relation` or `relation.column`."""
    inspector, schema = inspect(engine), SCHEMA if engine.dialect.name == "postgresql" else None
    there = set(inspector.get_table_names(schema))
    missing: list[str] = []
    for relation in metadata.sorted_tables:
        if relation.name not in there:
            missing.append(relation.name)
            continue
        columns = {column["name"] for column in inspector.get_columns(relation.name, schema)}
        missing += [f"{relation.name}.{column.name}" for column in relation.columns if column.name not in columns]
    return missing


def count_entries(ledger: Ledger, feed: str | None = None) -> int:
    """Return how many revisions count."""
    query = select(func.coalesce(func.sum(series.c.partitions), 0))
    query = query if feed is None else query.where(series.c.feed == feed)
    return int(ledger.all_rows(query)[0][0])


def entries(
    ledger: Ledger, feed: str | None = None, first: int = 0, most: int | None = None, tables: Sequence[str] = ()
) -> list[Entry]:
    """Return revisions that count, in the order in which they were entered.

    Args:
        first: how many of them are left out.
        most: how many there are at most.
        tables: only those of these tables.
    """
    c, f = revisions.c, files.c
    chosen = select(c.id).where(counting(None)).order_by(c.id).offset(first).limit(most)
    chosen = chosen if feed is None else chosen.where(c.feed == feed)
    chosen = chosen.where(c.table_name.in_(tables)) if tables else chosen
    # Chosen first: the files of those that are left out are not looked up.
    query = select(c.id, c.table_name, c.feed, c.date, c.symbol, f.path, f.sha256, f.xxh3, f.size_bytes)
    query = query.join_from(revisions, files, f.path == c.path).where(c.id.in_(chosen)).order_by(c.id)
    return [
        Entry(id_, table, Partition(name, day, symbol), File(*facts))
        for id_, table, name, day, symbol, *facts in ledger.all_rows(query)
    ]


def sample_start(count: int, day: dt.date, size: int) -> int:
    """Return where a day's sample of `size` entries begins: after enough days each entry was in one."""
    return 0 if count <= size else day.toordinal() % -(-count // size) * size


def strays(root: Path, known: set[str]) -> Iterator[str]:
    """Yield files that lie where those of partitions lie, and that no revision's rows are read from."""
    for folder, below, names in os.walk(root):
        if Path(folder) == root:
            below[:] = [name for name in below if not name.startswith("_") or name == "_files"]
        for name in names:
            key = Path(folder, name).relative_to(root).as_posix()
            if name.endswith(".parquet") and name != "moved.parquet" and key not in known:
                yield key


def writers(staging: Path) -> int:
    """Return how many processes of this machine live and have a folder for what they write."""
    return sum(is_held(lock) for lock in staging.glob("*.lock"))


def dead_folders(root: Path) -> Iterator[Path]:
    """Yield staging folders of writers that died."""
    staging = root / "_staging"
    for folder in sorted(staging.iterdir()) if staging.exists() else ():
        if folder.is_dir() and not is_held(staging / f"{folder.name}.lock"):
            yield folder
