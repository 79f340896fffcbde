"""What is kept beside the revisions in the transaction of each commit, so that nobody has to search them for it.

How much there is of each series, and whether what a revision was made from still counts. Whoever makes a revision
current, or notes that one was made again, calls these functions while it has the turn of commits. Nothing is judged.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, case, delete, insert, select, update

from market_data.ledger.schema import CURRENT, inputs, revisions, series

Values = RowMapping | Mapping[str, Any]
SUMS = ("rows", "size_bytes", "rejected", "deduplicated")
"""What a series has the sums of, beside the number of its partitions."""

_PLACE = ("table_name", "feed", "symbol", "date")
_UNREAD = delete(inputs).where(inputs.c.revision_id == bindparam("of"))
_READ_OF_PLACE = (
    update(inputs)
    .where(*(inputs.c[name] == bindparam(f"of_{name}") for name in _PLACE))
    .values(is_replaced=case((inputs.c.sha256 == bindparam("counts"), False), else_=True))
)
_COUNTS = select(revisions.c.sha256).where(
    *(revisions.c[name] == bindparam(f"of_{name}") for name in _PLACE), revisions.c.state == CURRENT
)
_DAY, _FIRST, _LAST = bindparam("day", type_=series.c.first_date.type), series.c.first_date, series.c.last_date
_GROWN = (
    update(series)
    .where(*(series.c[name] == bindparam(f"of_{name}") for name in _PLACE[:3]))
    .values(
        {
            "first_date": case((_FIRST <= _DAY, _FIRST), else_=_DAY),
            "last_date": case((_LAST >= _DAY, _LAST), else_=_DAY),
            **{name: series.c[name] + bindparam(f"more_{name}") for name in (*SUMS, "partitions")},
        }
    )
)


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
        connection.execute(_UNREAD, {"of": row["id"]})
    place = {f"of_{name}": entered[name] for name in _PLACE}
    connection.execute(_READ_OF_PLACE, place | {"counts": entered["sha256"]})
    note_inputs(connection, entered, entered["inputs"])


def note_inputs(connection: Connection, revision: Values, made_from: Sequence[Mapping[str, Any]]) -> None:
    """Keep which revisions a row of the ledger was last made from, and which of them count no more."""
    connection.execute(_UNREAD, {"of": revision["id"]})
    read = {
        (each["table"], dt.date.fromisoformat(each["date"])): each["sha256"] for each in made_from if "table" in each
    }
    rows = [_input(connection, revision, *key, sha256) for key, sha256 in read.items()]
    if rows:
        connection.execute(insert(inputs), rows)


def _input(connection: Connection, revision: Values, table: str, day: dt.date, sha256: str) -> dict[str, Any]:
    key = {"table_name": table, "feed": revision["feed"], "symbol": revision["symbol"], "date": day}
    now = connection.execute(_COUNTS, {f"of_{name}": value for name, value in key.items()}).scalar()
    is_replaced = now is not None and now != sha256
    return {"revision_id": revision["id"], **key, "sha256": sha256, "is_replaced": is_replaced}


def _count(connection: Connection, entered: Values, before: Sequence[Values]) -> None:
    more = {name: entered[name] - sum(row[name] for row in before) for name in SUMS}
    more["partitions"] = 1 - len(before)
    key, day = {name: entered[name] for name in _PLACE[:3]}, entered["date"]
    values = {f"of_{name}": value for name, value in key.items()} | {f"more_{name}": n for name, n in more.items()}
    if not connection.execute(_GROWN, values | {"day": day}).rowcount:
        connection.execute(insert(series).values(**key, first_date=day, last_date=day, **more))
