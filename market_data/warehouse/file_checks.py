"""Questions about the warehouse as a whole, for whoever watches over it. Nothing is changed, and nothing is mended."""

import datetime as dt
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine, inspect, select

from market_data.domain.partition import Partition
from market_data.ledger.database import SCHEMA
from market_data.ledger.ledger import Ledger
from market_data.ledger.schema import PENDING, metadata, revisions
from market_data.storage.files import sha256
from market_data.storage.locks import is_held

FILE = "data.parquet"


class Entry(NamedTuple):
    """What the ledger says of a current revision's file."""

    id: int
    table: str
    partition: Partition
    path: str
    size_bytes: int
    sha256: str


def lacking(engine: Engine) -> list[str]:
    """Relations and columns that the ledger should have and has not, as `relation` or `relation.column`."""
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


def entries(ledger: Ledger, feed: str | None = None) -> list[Entry]:
    """Every current revision, in the order in which they were entered."""
    c = revisions.c
    query = select(c.id, c.table_name, c.feed, c.date, c.symbol, c.path, c.size_bytes, c.sha256).order_by(c.id)
    query = query if feed is None else query.where(c.feed == feed)
    return [
        Entry(id_, table, Partition(name, day, symbol), path, size, digest)
        for id_, table, name, day, symbol, path, size, digest in ledger.rows(query)
    ]


def fault(root: Path, entry: Entry, *, read: bool) -> str | None:
    """What is wrong with an entry's file; None where nothing is.

    Args:
        read: compare the bytes too, and not only the size.
    """
    path = root / entry.path
    try:
        size = path.stat().st_size
        if size != entry.size_bytes:
            return f"has {size:,} bytes instead of {entry.size_bytes:,}"
        if read and sha256(path) != entry.sha256:
            return "has other bytes than the ledger says"
    except FileNotFoundError:
        return "is not there"
    return None


def settled(ledger: Ledger, entry: Entry) -> bool:
    """Whether an entry still counts and nobody is replacing it: else what was seen of its file says nothing."""
    current = ledger.current(entry.table, entry.partition)
    return current is not None and current.id == entry.id and not ledger.pending(entry.table, entry.partition)


def placed(root: Path, feed: str | None = None) -> set[str]:
    """The files that lie where partitions lie, relative to the root."""
    found: set[str] = set()
    for folder, below, files in os.walk(root):
        here = Path(folder)
        if here == root:
            below[:] = [name for name in below if not name.startswith("_")]
        elif here.parent == root and feed is not None:
            below[:] = [name for name in below if name == f"feed={feed}"]
        if FILE in files:
            found.add((here / FILE).relative_to(root).as_posix())
    return found


def claimed(ledger: Ledger, feed: str | None = None) -> set[str]:
    """The places of every revision that counts or is about to."""
    c = revisions.c
    pending = select(c.path).where(c.state == PENDING)
    query = select(c.path) if feed is None else select(c.path).where(c.feed == feed)
    return {path for (path,) in [*ledger.rows(query), *ledger.all_rows(pending)]}


def dead_claims(root: Path, ledger: Ledger) -> int:
    """Claims of writers that died before they made them current."""
    return sum(not is_held(_lock(root, claim.writer)) for claim in ledger.pending())


def writers(staging: Path) -> int:
    """Processes of this machine that live and have a folder for what they write."""
    return sum(is_held(lock) for lock in staging.glob("*.lock"))


def dead_folders(root: Path) -> Iterator[Path]:
    """Staging folders of writers that died."""
    staging = root / "_staging"
    for folder in sorted(staging.iterdir()) if staging.exists() else ():
        if folder.is_dir() and not is_held(_lock(root, folder.name)):
            yield folder


def sample(found: Sequence[Entry], day: dt.date, count: int) -> Sequence[Entry]:
    """So many entries, chosen by the day: each day another block, until after enough days each was chosen once."""
    if len(found) <= count:
        return found
    first = day.toordinal() % -(-len(found) // count) * count
    return [*found[first:], *found][:count]


def _lock(root: Path, writer: str) -> Path:
    return root / "_staging" / f"{writer}.lock"
