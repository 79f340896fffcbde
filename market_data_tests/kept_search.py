"""What a ledger should keep beside its revisions, found by a search of every one: for tests to compare, and to fill.

The search is slow and knows nothing of how it is kept.
"""

import datetime as dt
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, insert, select

from market_data.ledger.schema import CURRENT, builds, inputs, revisions, series

_BLOCK = 10_000
Found = dict[str, list[dict[str, Any]]]


def found(connection: Connection, feed: str | None = None) -> Found:
    """Return the rows of each relation that is kept, of one feed or of all, in order of their keys."""
    c, m = revisions.c, builds.c
    later = {row.revision_id: row.inputs for row in connection.execute(select(m.revision_id, m.inputs)) if row.inputs}
    wanted = (c.id, c.table_name, c.feed, c.symbol, c.date, c.sha256, c.rows, c.size_bytes, c.account, c.inputs)
    rows = connection.execute(select(*wanted).where(c.state == CURRENT, *_of(revisions, feed))).all()
    of_series: dict[tuple[str, str, str], list[Any]] = {}
    version = {(row.table_name, row.feed, row.symbol, row.date): row.sha256 for row in rows}
    read: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        of_series.setdefault((row.table_name, row.feed, row.symbol), []).append(row)
        for each in later.get(row.id, row.inputs):
            if "table" in each:
                key = (each["table"], row.feed, row.symbol, dt.date.fromisoformat(each["date"]))
                now = version.get(key)
                values = {"sha256": each["sha256"], "is_replaced": now is not None and now != each["sha256"]}
                named = dict(zip(("table_name", "feed", "symbol", "date"), key, strict=True))
                read[row.id, *key] = {"revision_id": row.id, **named, **values}
    return {
        series.name: [_series(key, of_series[key]) for key in sorted(of_series)],
        inputs.name: [read[key] for key in sorted(read)],
    }


def kept(connection: Connection) -> Found:
    """Return the rows that the ledger keeps, likewise."""
    rows = {relation.name: connection.execute(select(relation)).mappings().all() for relation in (series, inputs)}
    keys = {
        series.name: ("table_name", "feed", "symbol"),
        inputs.name: ("revision_id", "table_name", "feed", "symbol", "date"),
    }
    return {
        name: sorted(map(dict, some), key=lambda row, name=name: tuple(row[part] for part in keys[name]))
        for name, some in rows.items()
    }


def keep_what_is_found(connection: Connection, feed: str | None = None) -> None:
    """Have the ledger keep what a search finds, where rows were entered without commits."""
    searched = found(connection, feed)
    for relation in (series, inputs):
        connection.execute(delete(relation).where(*_of(relation, feed)))
        rows = searched[relation.name]
        for first in range(0, len(rows), _BLOCK):
            connection.execute(insert(relation), rows[first : first + _BLOCK])


def _of(relation: Table, feed: str | None) -> list[ColumnElement[bool]]:
    return [] if feed is None else [relation.c.feed == feed]


def _series(key: tuple[str, str, str], rows: list[Any]) -> dict[str, Any]:
    days = sorted(row.date for row in rows)
    return {
        **dict(zip(("table_name", "feed", "symbol"), key, strict=True)),
        "first_date": days[0],
        "last_date": days[-1],
        "partitions": len(rows),
        "rows": sum(row.rows for row in rows),
        "size_bytes": sum(row.size_bytes for row in rows),
        "rejected": sum(row.account.get("rejected", 0) for row in rows),
        "deduplicated": sum(row.account.get("deduplicated", 0) for row in rows),
    }
