"""What is kept beside the revisions in the transaction of each commit, so that nobody has to search them for it.

How much there is of each series, and whether what a revision was made from still counts. Whoever makes a revision
current, or notes that one was made again, calls these functions while it has the turn of commits. Nothing is judged.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, case, delete, insert, select, update

from market_data.ledger.schema import CURRENT, inputs, revisions, series

Values = RowMapping | Mapping[str, Any]
SUMS = ("rows", "size_bytes", "rejected", "deduplicated")
"""What a series has the sums of, beside the number of its partitions."""


def columns_of(account: Mapping[str, Any], notes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a revision's row that say what its account and its notes say, where an index finds it."""
    return {
        "rejected": account.get("rejected") or 0,
        "deduplicated": account.get("deduplicated") or 0,
        "failing": notes.get("failing") or 0,
        "passed": notes.get("passed"),
    }


def note_current(connection: Connection, entered: Values, previous: Iterable[Values]) -> None:
    """Keep what follows from a revision that counts now, in place of those that did; each is a row of the ledger."""
    before = list(previous)
    _count(connection, entered, before)
    for row in before:
        connection.execute(delete(inputs).where(inputs.c.revision_id == row["id"]))
    place = and_(*(inputs.c[name] == entered[name] for name in ("table_name", "feed", "symbol", "date")))
    is_replaced = case((inputs.c.sha256 == entered["sha256"], False), else_=True)
    connection.execute(update(inputs).where(place).values(is_replaced=is_replaced))
    note_inputs(connection, entered, entered["inputs"])


def note_inputs(connection: Connection, revision: Values, made_from: Sequence[Mapping[str, Any]]) -> None:
    """Keep which revisions a row of the ledger was last made from, and which of them count no more."""
    connection.execute(delete(inputs).where(inputs.c.revision_id == revision["id"]))
    read = {
        (each["table"], dt.date.fromisoformat(each["date"])): each["sha256"] for each in made_from if "table" in each
    }
    rows = [_input(connection, revision, *key, sha256) for key, sha256 in read.items()]
    if rows:
        connection.execute(insert(inputs), rows)


def _input(connection: Connection, revision: Values, table: str, day: dt.date, sha256: str) -> dict[str, Any]:
    key = {"table_name": table, "feed": revision["feed"], "symbol": revision["symbol"], "date": day}
    c = revisions.c
    counts = and_(c.state == CURRENT, *(c[name] == value for name, value in key.items()))
    now = connection.execute(select(c.sha256).where(counts)).scalar()
    is_replaced = now is not None and now != sha256
    return {"revision_id": revision["id"], **key, "sha256": sha256, "is_replaced": is_replaced}


def _count(connection: Connection, entered: Values, before: Sequence[Values]) -> None:
    c, day = series.c, entered["date"]
    more = {name: entered[name] - sum(row[name] for row in before) for name in SUMS}
    more["partitions"] = 1 - len(before)
    key = {name: entered[name] for name in ("table_name", "feed", "symbol")}
    grown = update(series).where(*(c[name] == value for name, value in key.items()))
    grown = grown.values(
        {
            "first_date": case((c.first_date <= day, c.first_date), else_=day),
            "last_date": case((c.last_date >= day, c.last_date), else_=day),
            **{name: c[name] + value for name, value in more.items()},
        }
    )
    if not connection.execute(grown).rowcount:
        connection.execute(insert(series).values(**key, first_date=day, last_date=day, **more))
