"""What changes about files while answers stay: rows read from another file, files without readers, history that ends.

Each function is one step within a transaction that has the turn of commits. Commits themselves are `ledger`'s.
"""

import time
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, insert, or_, select, update

from market_data.ledger.file import File
from market_data.ledger.revision import Revision, key_of
from market_data.ledger.schema import CURRENT, EXPIRED, LOST, PENDING, SUPERSEDED, files, ledger_state, revisions

_BLOCK = 500
_KEYS = ("table_name", "feed", "symbol", "date", "path", "sha256")


def is_read() -> ColumnElement[bool]:
    """Return the condition for revisions whose rows can be read, now or as of some commit."""
    return and_(revisions.c.state != LOST, revisions.c.state != EXPIRED)


def row_of(file: File) -> dict[str, Any]:
    """Return a file's row."""
    return {"path": file.path, "sha256": file.sha256, "xxh3": file.xxh3, "size_bytes": file.size_bytes}


def move(connection: Connection, wanted: Sequence[Revision], file: File) -> int:
    """Have the rows of revisions read from another file, which has the same; return how many revisions are read there.

    One whose rows are not read any more from where `wanted` says stays as it is. Others of the same partition with the
    same rows in the same file go along: they are revisions of an account alone.
    """
    read_there = select(func.count()).select_from(revisions).where(revisions.c.path == file.path)
    if connection.execute(select(files.c.path).where(files.c.path == file.path)).first() is not None:
        # This is done again: the database broke off, after the commit as it shows.
        return int(connection.execute(read_there).scalar_one())
    connection.execute(insert(files).values(row_of(file)))
    same = [revisions.c[name] == bindparam(f"old_{name}") for name in _KEYS]
    moved = update(revisions).where(*same, is_read()).values(path=bindparam("new_path"))
    connection.execute(moved, [{**_bound(each), "new_path": file.path} for each in wanted])
    count = int(connection.execute(read_there).scalar_one())
    if not count:
        connection.execute(files.delete().where(files.c.path == file.path))
    _let_go(connection, sorted({each.path.as_posix() for each in wanted}))
    return count


def _bound(revision: Revision) -> dict[str, Any]:
    values = {"table_name": revision.table, "path": revision.path.as_posix(), "sha256": revision.sha256}
    return {f"old_{name}": value for name, value in {**values, **key_of(revision.partition)}.items()}


def _let_go(connection: Connection, paths: Sequence[str]) -> None:
    """Note since when nothing is read from files, of those from which nothing is."""
    used = select(revisions.c.id).where(revisions.c.path == files.c.path, is_read()).exists()
    for first in range(0, len(paths), _BLOCK):
        listed = files.c.path.in_(paths[first : first + _BLOCK])
        free = update(files).where(listed, files.c.unreferenced_ns.is_(None), ~used)
        connection.execute(free.values(unreferenced_ns=time.time_ns()))


def expire(connection: Connection, before_ns: int) -> int:
    """End history where it was superseded before an instant, ns; return how many revisions expired.

    From here on nothing is told as of a commit before the last of those by which they were superseded. Their files,
    where no other revision is read from them, are free to be removed.
    """
    c = revisions.c
    old = and_(c.state == SUPERSEDED, c.superseded_ns < before_ns)
    last = connection.execute(select(func.max(c.superseded_in)).where(old)).scalar()
    if last is None:
        return 0
    ended = and_(c.state == SUPERSEDED, c.superseded_in <= last)
    stays = or_(c.state.in_([CURRENT, PENDING]), and_(c.state == SUPERSEDED, c.superseded_in > last))
    used = select(c.id).where(c.path == files.c.path, stays).exists()
    free = update(files).where(files.c.path.in_(select(c.path).where(ended)), files.c.unreferenced_ns.is_(None), ~used)
    connection.execute(free.values(unreferenced_ns=time.time_ns()))
    since = ledger_state.c.history_since
    connection.execute(update(ledger_state).where(since < last).values(history_since=last))
    return connection.execute(update(revisions).where(ended).values(state=EXPIRED)).rowcount


def path_now(connection: Connection, of_revision: Collection[ColumnElement[bool]]) -> dict[str, Any]:
    """Return where a revision's rows are read from at this moment, for one that is to share them."""
    c = revisions.c
    found = connection.execute(select(c.path, c.sha256, c.size_bytes).where(*of_revision)).mappings().one()
    return dict(found)
