"""One row for each revision of each partition of each table."""

from sqlalchemy import JSON, BigInteger, Column, Date, Index, Integer, MetaData, String, Table, UniqueConstraint

from market_data.ledger.migrations.relation import make_or_complete

revision = "0001"
down_revision = None


def upgrade() -> None:
    """The relation."""
    made = MetaData()
    make_or_complete(
        Table(
            "revisions",
            made,
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
            Column(
                "inputs", JSON, nullable=False, comment="landed files or revisions it was made of, with their hashes"
            ),
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
            UniqueConstraint("table_name", "feed", "symbol", "date", "revision"),
            Index("revisions_by_partition", "feed", "date", "symbol", "table_name"),
            Index("revisions_by_state", "state", "table_name", "feed", "date", "symbol"),
            Index("revisions_by_columns", "state", "table_name", "columns"),
        )
    )
