"""The ledger's relations, in SQLAlchemy, so that SQLite and PostgreSQL keep them alike. No queries."""

from sqlalchemy import BigInteger, Column, Date, Float, Index, Integer, MetaData, String, Table, UniqueConstraint
from sqlalchemy.types import JSON

metadata = MetaData()

PENDING, CURRENT, SUPERSEDED, LOST = "pending", "current", "superseded", "lost"
"""A claim; what counts; what counted; what counted, but whose file was found damaged or gone when it was replaced."""

revisions = Table(
    "revisions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("table_name", String(64), nullable=False),
    Column("feed", String(64), nullable=False),
    Column("symbol", String(64), nullable=False),
    Column("date", Date, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("writer", String(64), nullable=False, comment="whose claim it is, while it is pending"),
    Column("path", String(512), nullable=False, comment="relative to the warehouse's root"),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("columns", String(16), nullable=False, comment="fingerprint of names and types"),
    Column("first_ns", BigInteger, comment="first instant by the partition's clock, ns since the epoch, UTC"),
    Column("last_ns", BigInteger),
    Column("account", JSON, nullable=False),
    Column("inputs", JSON, nullable=False, comment="landed files or revisions it was made of, with their hashes"),
    Column("notes", JSON, nullable=False),
    Column("source", String(64), nullable=False),
    Column("code_version", String(64), nullable=False),
    Column("run_id", String(64), nullable=False),
    Column(
        "committed_ns",
        BigInteger,
        nullable=False,
        comment="ns since the epoch, UTC; of the claim while pending",
    ),
    Column("superseded_ns", BigInteger),
    # The claim: of two writers that replace one partition at once, one meets this constraint.
    UniqueConstraint("table_name", "feed", "symbol", "date", "revision"),
    Index("revisions_by_partition", "feed", "date", "symbol", "table_name"),
    Index("revisions_by_state", "state", "table_name", "feed", "date", "symbol"),
    # The views ask which shapes of columns a table has: without it that reads every row.
    Index("revisions_by_columns", "state", "table_name", "columns"),
)

makings = Table(
    "makings",
    metadata,
    Column("revision_id", Integer, primary_key=True, autoincrement=False),
    Column("seconds", Float, comment="from the first request to the commit; of the making that gave the revision"),
    Column("inputs", JSON, comment="of the latest making that gave the same bytes from others; null: the revision's"),
    Column("run_id", String(64), nullable=False, comment="of the latest making that is noted"),
    Column("made_ns", BigInteger, nullable=False, comment="ns since the epoch, UTC; likewise"),
)
"""How a revision was made, beside what it is: nothing here changes what counts."""

spending = Table(
    "spending",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("feed", String(64), nullable=False),
    Column("symbol", String(64), nullable=False),
    Column("date", Date, nullable=False, comment="the partition's day, not that of the purchase"),
    Column("table_name", String(64), nullable=False),
    Column("run_id", String(64), nullable=False),
    Column("cost_usd", Float, nullable=False, comment="as the vendor priced it beforehand"),
    Column("what", String(256), nullable=False),
    Column("spent_ns", BigInteger, nullable=False, comment="ns since the epoch, UTC; before the first byte"),
    Index("spending_by_run", "feed", "run_id"),
    Index("spending_by_time", "feed", "spent_ns"),
)
