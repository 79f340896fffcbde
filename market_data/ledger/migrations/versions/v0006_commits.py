"""Commits have numbers, files are never replaced, and a revision knows the hash of its rows.

The revisions' relation gets another name, so that a program of an earlier version that still runs is refused by the
database, instead of replacing files in place beside this one. No file is moved: each row goes on naming its own.
"""

import uuid

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    insert,
    select,
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
    ):
        op.add_column("partition_revisions", column)
    op.drop_column("partition_revisions", "writer")
    for column in (
        Column("code_version", String(64), comment="of the latest build that is noted; null: the revision's"),
        Column("configuration", String(64), comment="fingerprint of what shaped that build besides; null: not known"),
    ):
        op.add_column("builds", column)
    if connection.dialect.name == "postgresql":
        op.alter_column("partition_revisions", "committed_in", server_default=None)
        for (relation, column), comment in _COMMENTS.items():
            op.alter_column(relation, column, comment=comment)
    last, last_ns = _number(connection)
    _list_files(connection)
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
        *(Column(name, String) for name in ("table_name", "feed", "symbol", "date", "state", "path", "sha256")),
        *(Column(name, BigInteger) for name in ("revision", "size_bytes", "committed_ns", "superseded_ns")),
        *(Column(name, BigInteger) for name in ("committed_in", "superseded_in")),
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
