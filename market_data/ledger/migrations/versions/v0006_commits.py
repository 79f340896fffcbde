"""Commits have numbers, files are never replaced, a revision knows the hash of its rows, and what is open is kept.

The revisions' relation gets another name, so that a program of an earlier version that still runs is refused by the
database, instead of replacing files in place beside this one. No file is moved: each row goes on naming its own.
"""

import datetime as dt
import uuid

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    case,
    func,
    insert,
    select,
    text,
    update,
)

revision = "0006"
down_revision = "0005"

_BLOCK = 1_000
_metadata = MetaData()
_state = Table(
    "ledger_state",
    _metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="1: there is one row"),
    Column("identity", String(32), nullable=False, comment="of this ledger; a restored one has another"),
    Column("last_commit", BigInteger, nullable=False, comment="number of the last commit"),
    Column("last_ns", BigInteger, nullable=False, comment="no commit to come is at or before it; ns since the epoch"),
    Column("history_since", BigInteger, nullable=False, comment="the first commit as of which everything is kept"),
)
_files = Table(
    "files",
    _metadata,
    Column("path", String(512), primary_key=True, comment="relative to the warehouse's root"),
    Column("sha256", String(64), nullable=False),
    Column("xxh3", String(32), comment="128 bits, hexadecimal; null: written by an earlier version"),
    Column("size_bytes", BigInteger, nullable=False),
    Column("unreferenced_ns", BigInteger, comment="since when no revision's rows are read from it"),
    Index("files_by_unreferenced", "unreferenced_ns"),
)
_shapes = Table(
    "shapes",
    _metadata,
    Column("columns", String(16), primary_key=True, comment="fingerprint of names and types"),
    Column("types", JSON, nullable=False, comment="[name, SQL type] of each column, in order"),
)
_series = Table(
    "series",
    _metadata,
    *(Column(name, String(64), primary_key=True) for name in ("table_name", "feed", "symbol")),
    *(Column(name, Date, nullable=False) for name in ("first_date", "last_date")),
    *(
        Column(name, BigInteger, nullable=False)
        for name in ("partitions", "rows", "size_bytes", "rejected", "deduplicated")
    ),
    Index("series_by_feed", "feed"),
)
_inputs = Table(
    "inputs",
    _metadata,
    Column("revision_id", Integer, primary_key=True, autoincrement=False, comment="what was made; it counts"),
    Column("table_name", String(64), primary_key=True, comment="what was read, as the four that follow"),
    Column("date", Date, primary_key=True),
    Column("feed", String(64), nullable=False),
    Column("symbol", String(64), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("is_replaced", Boolean, nullable=False, comment="whether another version of it counts by now"),
    Index("inputs_by_partition", "feed", "symbol", "date", "table_name"),
    Index(
        "inputs_by_replaced",
        "feed",
        "revision_id",
        sqlite_where=text("is_replaced"),
        postgresql_where=text("is_replaced"),
    ),
)

_COMMENTS = {
    ("builds", "seconds"): "from the first request to the commit; of the build that gave the revision",
    ("builds", "inputs"): "of the latest build that gave the same rows from others; null: the revision's",
    ("builds", "run_id"): "of the latest build that is noted",
    ("partition_revisions", "path"): "the file that its rows are read from",
    ("partition_revisions", "sha256"): "of the file that it was first written to: its version",
    ("partition_revisions", "committed_ns"): "ns since the epoch, UTC",
}


def upgrade() -> None:
    """Number what was committed, in the order of its time, and list every file."""
    connection = op.get_bind()
    _metadata.create_all(connection)
    op.rename_table("makings", "builds")
    op.rename_table("revisions", "partition_revisions")
    for column in (
        Column("content", String(64), comment="hash of its rows with its method; null: by an earlier version"),
        Column("clock", String(32), comment="the column whose bounds are kept; null: none, or by an earlier version"),
        Column(
            "committed_in",
            BigInteger,
            nullable=False,
            server_default="0",
            comment="number of the commit by which it counts; 0: pending",
        ),
        Column("superseded_in", BigInteger, comment="number of the commit by which it counts no more"),
        Column("rejected", BigInteger, nullable=False, server_default="0", comment="of the account"),
        Column("deduplicated", BigInteger, nullable=False, server_default="0", comment="of the account"),
        Column(
            "failing",
            Integer,
            nullable=False,
            server_default="0",
            comment="of the notes: how many checks do not pass; of a report",
        ),
        Column("passed", Boolean, comment="of the notes: whether no score lies below its threshold; of a report"),
    ):
        op.add_column("partition_revisions", column)
    op.drop_column("partition_revisions", "writer")
    for column in (
        Column("code_version", String(64), comment="of the latest build that is noted; null: the revision's"),
        Column("configuration", String(64), comment="fingerprint of what shaped that build besides; null: not known"),
    ):
        op.add_column("builds", column)
    if connection.dialect.name == "postgresql":
        for name in ("committed_in", "rejected", "deduplicated", "failing"):
            op.alter_column("partition_revisions", name, server_default=None)
        for (relation, name), comment in _COMMENTS.items():
            op.alter_column(relation, name, comment=comment)
    last, last_ns = _number(connection)
    _list_files(connection)
    _keep_columns(connection)
    _keep_series(connection)
    _keep_inputs(connection)
    op.create_index("revisions_by_time", "partition_revisions", ["feed", "committed_ns"])
    for name, columns, condition in (
        ("revisions_by_failing", ["feed", "date", "symbol"], "state = 'current' AND failing > 0"),
        ("revisions_by_rejected", ["feed", "committed_ns"], "state = 'current' AND rejected > 0"),
        ("revisions_by_passed", ["feed", "date", "symbol"], "state = 'current' AND NOT passed"),
    ):
        where = text(condition)
        op.create_index(name, "partition_revisions", columns, sqlite_where=where, postgresql_where=where)
    listed = ["feed", "symbol", "date", "clock", "first_ns", "last_ns", "rows"]
    op.create_index("revisions_by_series", "partition_revisions", ["state", "table_name", *listed])
    op.create_index("revisions_by_commit", "partition_revisions", ["committed_in"])
    op.create_index("revisions_by_end", "partition_revisions", ["superseded_in"])
    op.create_index("revisions_by_path", "partition_revisions", ["path"])
    state = {"id": 1, "identity": uuid.uuid4().hex, "last_commit": last, "last_ns": last_ns, "history_since": 0}
    connection.execute(insert(_state).values(state))


def _revisions() -> Table:
    return Table(
        "partition_revisions",
        MetaData(),
        Column("id", Integer, primary_key=True),
        *(Column(name, String) for name in ("table_name", "feed", "symbol", "state", "path", "sha256")),
        *(Column(name, BigInteger) for name in ("revision", "size_bytes", "committed_ns", "superseded_ns")),
        *(Column(name, BigInteger) for name in ("committed_in", "superseded_in", "rejected", "deduplicated", "rows")),
        *(Column(name, JSON) for name in ("account", "notes", "inputs")),
        Column("date", Date),
        Column("failing", Integer),
        Column("passed", Boolean),
    )


def _number(connection: Connection) -> tuple[int, int]:
    """Number every revision by when it was committed; the last number, and its time in ns."""
    c = (relation := _revisions()).c
    keys = (c.table_name, c.feed, c.symbol, c.date)
    query = select(c.id, *keys, c.committed_ns, c.superseded_ns).where(c.state != "pending")
    rows = connection.execute(query.order_by(c.committed_ns, c.id)).all()
    began: dict[tuple[object, ...], list[int]] = {}
    for number, row in enumerate(rows, start=1):
        began.setdefault(tuple(row[1:5]), []).append(number)
    values: list[dict[str, int | None]] = []
    for number, row in enumerate(rows, start=1):
        later = next((each for each in began[tuple(row[1:5])] if each > number), None)
        values.append({"of": row.id, "number": number, "ended": later if row.superseded_ns is not None else None})
    change = update(relation).where(c.id == bindparam("of"))
    change = change.values(committed_in=bindparam("number"), superseded_in=bindparam("ended"))
    for first in range(0, len(values), _BLOCK):
        connection.execute(change, values[first : first + _BLOCK])
    return len(rows), max((row.superseded_ns or row.committed_ns for row in rows), default=0)


def _list_files(connection: Connection) -> None:
    """List the file of each revision that has one; a revision whose account alone changed may share it."""
    c = _revisions().c
    query = select(c.path, c.sha256, c.size_bytes).where(c.state.in_(["current", "superseded"])).order_by(c.id)
    listed = {
        row.path: {"path": row.path, "sha256": row.sha256, "size_bytes": row.size_bytes}
        for row in connection.execute(query)
    }
    rows = list(listed.values())
    for first in range(0, len(rows), _BLOCK):
        connection.execute(insert(_files), rows[first : first + _BLOCK])


def _keep_columns(connection: Connection) -> None:
    """Have an index find what accounts and notes say; only rows that say something are changed."""
    c = (relation := _revisions()).c
    change = (
        update(relation)
        .where(c.id == bindparam("of"))
        .values({name: bindparam(name) for name in ("rejected", "deduplicated", "failing", "passed")})
    )
    rows = connection.execute(select(c.id, c.account, c.notes)).all()
    values = [
        {
            "of": row.id,
            "rejected": row.account.get("rejected") or 0,
            "deduplicated": row.account.get("deduplicated") or 0,
            "failing": row.notes.get("failing") or 0,
            "passed": row.notes.get("passed"),
        }
        for row in rows
    ]
    said = [each for each in values if each["passed"] is not None or any((*each.values(),)[1:4])]
    for first in range(0, len(said), _BLOCK):
        connection.execute(change, said[first : first + _BLOCK])


def _keep_series(connection: Connection) -> None:
    """Whatever was ever told of a series keeps it in the list, by which a query as of then finds it."""
    c = _revisions().c
    key = (c.table_name, c.feed, c.symbol)
    counts = case((c.state == "current", 1), else_=0)
    sums = (func.sum(c[name] * counts) for name in ("rows", "size_bytes", "rejected", "deduplicated"))
    found = select(*key, func.min(c.date), func.max(c.date), func.sum(counts), *sums)
    found = found.where(c.state != "pending").group_by(*key)
    connection.execute(insert(_series).from_select([column.name for column in _series.columns], found))


def _keep_inputs(connection: Connection) -> None:
    c = _revisions().c
    builds = Table("builds", MetaData(), Column("revision_id", Integer), Column("inputs", JSON))
    again = select(builds.c.revision_id, builds.c.inputs).where(builds.c.inputs.is_not(None))
    later = {row.revision_id: row.inputs for row in connection.execute(again) if row.inputs is not None}
    query = select(c.id, c.table_name, c.feed, c.symbol, c.date, c.sha256, c.inputs).where(c.state == "current")
    rows = connection.execute(query.order_by(c.id)).all()
    now = {(row.table_name, row.feed, row.symbol, row.date): row.sha256 for row in rows}
    found: dict[tuple[object, ...], dict[str, object]] = {}
    for row in rows:
        for read in later.get(row.id, row.inputs):
            if "table" in read:
                key = (read["table"], row.feed, row.symbol, dt.date.fromisoformat(read["date"]))
                named = dict(zip(("table_name", "feed", "symbol", "date"), key, strict=True))
                is_replaced = now.get(key, read["sha256"]) != read["sha256"]
                found[row.id, *key] = named | {
                    "revision_id": row.id,
                    "sha256": read["sha256"],
                    "is_replaced": is_replaced,
                }
    values = list(found.values())
    for first in range(0, len(values), _BLOCK):
        connection.execute(insert(_inputs), values[first : first + _BLOCK])
