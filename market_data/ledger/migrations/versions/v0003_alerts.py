"""Alerts and their messages; records in quarantine that nobody wants."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from market_data.ledger.migrations.relation import make_or_complete

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """The relations."""
    made = MetaData()
    make_or_complete(
        Table(
            "alerts",
            made,
            Column("id", Integer, primary_key=True, autoincrement=True),
            Column("key", String(512), nullable=False, comment="the cause's"),
            Column("kind", String(64), nullable=False),
            Column("feed", String(64), comment="null: the platform's own"),
            Column("table_name", String(64)),
            Column("symbol", String(64)),
            Column("name", String(256)),
            Column("severity", String(16), nullable=False),
            Column("title", Text, nullable=False),
            Column("text", Text, nullable=False),
            Column("partitions", JSON, nullable=False, comment="[feed, date, symbol] of each"),
            Column("state", String(16), nullable=False),
            Column("occurrences", Integer, nullable=False),
            Column("reopened", Integer, nullable=False),
            Column("told", String(16), comment="the last message: raised, repeated, worse, again, resolved"),
            Column("told_ns", BigInteger, nullable=False),
            Column("told_severity", String(16), nullable=False),
            Column("first_ns", BigInteger, nullable=False, comment="ns since the epoch, UTC, as all that end so"),
            Column("last_ns", BigInteger, nullable=False),
            Column("acknowledged_ns", BigInteger),
            Column("resolved_ns", BigInteger),
            Index(
                "alerts_of_a_cause",
                "key",
                unique=True,
                sqlite_where=text("state <> 'resolved'"),
                postgresql_where=text("state <> 'resolved'"),
            ),
            Index("alerts_by_key", "key", "id"),
            Index("alerts_by_state", "state", "resolved_ns"),
        )
    )
    make_or_complete(
        Table(
            "deliveries",
            made,
            Column("id", Integer, primary_key=True, autoincrement=True),
            Column("alert_id", Integer, ForeignKey("alerts.id"), nullable=False),
            Column("channel", String(64), nullable=False, comment="its name; its address is never kept"),
            Column("event", String(16), nullable=False),
            Column("severity", String(16), nullable=False),
            Column("title", Text, nullable=False),
            Column("text", Text, nullable=False),
            Column("is_good", Boolean, nullable=False),
            Column("state", String(16), nullable=False, comment="waiting, sent, superseded"),
            Column("tries", Integer, nullable=False),
            Column("next_ns", BigInteger, nullable=False, comment="when it may be tried again"),
            Column(
                "claimed_until_ns", BigInteger, nullable=False, comment="a process is sending it until then; 0: none"
            ),
            Column("error", Text),
            Column("created_ns", BigInteger, nullable=False),
            Column("sent_ns", BigInteger),
            Index("deliveries_by_state", "state", "channel", "next_ns"),
            Index("deliveries_by_alert", "alert_id", "channel"),
        )
    )
    make_or_complete(
        Table(
            "dropped",
            made,
            Column("id", Integer, primary_key=True, autoincrement=True),
            Column("feed", String(64), nullable=False),
            Column("symbol", String(64), nullable=False),
            Column("date", Date, nullable=False),
            Column(
                "digest", String(64), nullable=False, comment="SHA-256 of the record's table, rule, place and original"
            ),
            Column("why", Text, nullable=False),
            Column("dropped_ns", BigInteger, nullable=False, comment="ns since the epoch, UTC"),
            UniqueConstraint("feed", "symbol", "date", "digest"),
        )
    )
