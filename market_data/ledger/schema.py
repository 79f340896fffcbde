"""The ledger's relations, in SQLAlchemy, so that SQLite and PostgreSQL keep them alike. No queries."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
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
from sqlalchemy.types import JSON

metadata = MetaData()

PENDING, CURRENT, SUPERSEDED, LOST, EXPIRED = "pending", "current", "superseded", "lost", "expired"
"""An earlier version's claim; what counts; what counted; what counted, but whose file is damaged or gone; what counted
longer ago than history is kept, so that its file may be gone."""

FAILING = "state = 'current' AND failing > 0"
SET_ASIDE = "state = 'current' AND rejected > 0"
POOR = "state = 'current' AND NOT passed"
REPLACED = "is_replaced"
"""Conditions that are open matters. A query that states one in these words is answered from its index alone."""

ledger_state = Table(
    "ledger_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="1: there is one row"),
    Column("identity", String(32), nullable=False, comment="of this ledger; a restored one has another"),
    Column("last_commit", BigInteger, nullable=False, comment="number of the last commit"),
    Column("last_ns", BigInteger, nullable=False, comment="no commit to come is at or before it; ns since the epoch"),
    Column("history_since", BigInteger, nullable=False, comment="the first commit as of which everything is kept"),
)
"""What commits take turns by: whoever changes this row has the turn until the transaction ends."""

files = Table(
    "files",
    metadata,
    Column("path", String(512), primary_key=True, comment="relative to the warehouse's root"),
    Column("sha256", String(64), nullable=False),
    Column("xxh3", String(32), comment="128 bits, hexadecimal; null: written by an earlier version"),
    Column("size_bytes", BigInteger, nullable=False),
    Column("unreferenced_ns", BigInteger, comment="since when no revision's rows are read from it"),
    Index("files_by_unreferenced", "unreferenced_ns"),
)
"""Files of the warehouse: written once under a name of their own, and never changed."""

shapes = Table(
    "shapes",
    metadata,
    Column("columns", String(16), primary_key=True, comment="fingerprint of names and types"),
    Column("types", JSON, nullable=False, comment="[name, SQL type] of each column, in order"),
)
"""Which columns the fingerprints stand for, so that no file is opened to find out."""

revisions = Table(
    "partition_revisions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("table_name", String(64), nullable=False),
    Column("feed", String(64), nullable=False),
    Column("symbol", String(64), nullable=False),
    Column("date", Date, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("path", String(512), nullable=False, comment="the file that its rows are read from"),
    Column("sha256", String(64), nullable=False, comment="of the file that it was first written to: its version"),
    Column("content", String(64), comment="hash of its rows with its method; null: by an earlier version"),
    Column("size_bytes", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("columns", String(16), nullable=False, comment="fingerprint of names and types"),
    Column("clock", String(32), comment="the column whose bounds are kept; null: none, or by an earlier version"),
    Column("first_ns", BigInteger, comment="first instant by the partition's clock, ns since the epoch, UTC"),
    Column("last_ns", BigInteger),
    Column("account", JSON, nullable=False),
    Column("inputs", JSON, nullable=False, comment="landed files or revisions it was made of, with their hashes"),
    Column("notes", JSON, nullable=False),
    Column("rejected", BigInteger, nullable=False, comment="of the account"),
    Column("deduplicated", BigInteger, nullable=False, comment="of the account"),
    Column("failing", Integer, nullable=False, comment="of the notes: how many checks do not pass; of a report"),
    Column("passed", Boolean, comment="of the notes: whether no score lies below its threshold; of a report"),
    Column("source", String(64), nullable=False),
    Column("code_version", String(64), nullable=False),
    Column("run_id", String(64), nullable=False),
    Column("committed_in", BigInteger, nullable=False, comment="number of the commit by which it counts; 0: pending"),
    Column("committed_ns", BigInteger, nullable=False, comment="ns since the epoch, UTC"),
    Column("superseded_in", BigInteger, comment="number of the commit by which it counts no more"),
    Column("superseded_ns", BigInteger),
    UniqueConstraint("table_name", "feed", "symbol", "date", "revision"),
    Index("revisions_by_partition", "feed", "date", "symbol", "table_name"),
    Index("revisions_by_state", "state", "table_name", "feed", "date", "symbol"),
    # The views ask which shapes of columns a table has: without it that reads every row.
    Index("revisions_by_columns", "state", "table_name", "columns"),
    # All that queries ask of many partitions: answered from the index alone.
    Index(
        "revisions_by_series",
        *("state", "table_name", "feed", "symbol", "date", "clock", "first_ns", "last_ns", "rows"),
    ),
    Index("revisions_by_commit", "committed_in"),
    Index("revisions_by_end", "superseded_in"),
    Index("revisions_by_path", "path"),
    Index("revisions_by_time", "feed", "committed_ns"),
    Index("revisions_by_failing", "feed", "date", "symbol", sqlite_where=text(FAILING), postgresql_where=text(FAILING)),
    Index(
        "revisions_by_rejected",
        "feed",
        "committed_ns",
        sqlite_where=text(SET_ASIDE),
        postgresql_where=text(SET_ASIDE),
    ),
    Index("revisions_by_passed", "feed", "date", "symbol", sqlite_where=text(POOR), postgresql_where=text(POOR)),
)

series = Table(
    "series",
    metadata,
    Column("table_name", String(64), primary_key=True),
    Column("feed", String(64), primary_key=True),
    Column("symbol", String(64), primary_key=True),
    Column("first_date", Date, nullable=False),
    Column("last_date", Date, nullable=False),
    Column("partitions", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("deduplicated", BigInteger, nullable=False),
    Index("series_by_feed", "feed"),
)
"""How much counts of each symbol of each table: kept at each commit, so that nobody counts revisions."""

inputs = Table(
    "inputs",
    metadata,
    Column("revision_id", Integer, primary_key=True, autoincrement=False, comment="what was made; it counts"),
    Column("table_name", String(64), primary_key=True, comment="what was read, as the four that follow"),
    Column("date", Date, primary_key=True),
    Column("feed", String(64), nullable=False),
    Column("symbol", String(64), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("is_replaced", Boolean, nullable=False, comment="whether another version of it counts by now"),
    Index("inputs_by_partition", "feed", "symbol", "date", "table_name"),
    Index("inputs_by_replaced", "feed", "revision_id", sqlite_where=text(REPLACED), postgresql_where=text(REPLACED)),
)
"""Which revisions each one that counts was last made from, so that nobody compares them to find what is outdated."""

builds = Table(
    "builds",
    metadata,
    Column("revision_id", Integer, primary_key=True, autoincrement=False),
    Column("seconds", Float, comment="from the first request to the commit; of the build that gave the revision"),
    Column("inputs", JSON, comment="of the latest build that gave the same rows from others; null: the revision's"),
    Column("code_version", String(64), comment="of the latest build that is noted; null: the revision's"),
    Column("configuration", String(64), comment="fingerprint of what shaped that build besides; null: not known"),
    Column("run_id", String(64), nullable=False, comment="of the latest build that is noted"),
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

alerts = Table(
    "alerts",
    metadata,
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
    # A cause has one alert at a time, whoever raises it.
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

deliveries = Table(
    "deliveries",
    metadata,
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
    Column("claimed_until_ns", BigInteger, nullable=False, comment="a process is sending it until then; 0: none"),
    Column("error", Text),
    Column("created_ns", BigInteger, nullable=False),
    Column("sent_ns", BigInteger),
    Index("deliveries_by_state", "state", "channel", "next_ns"),
    Index("deliveries_by_alert", "alert_id", "channel"),
)

dropped = Table(
    "dropped",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("feed", String(64), nullable=False),
    Column("symbol", String(64), nullable=False),
    Column("date", Date, nullable=False),
    Column("digest", String(64), nullable=False, comment="SHA-256 of the record's table, rule, place and original"),
    Column("why", Text, nullable=False),
    Column("dropped_ns", BigInteger, nullable=False, comment="ns since the epoch, UTC"),
    UniqueConstraint("feed", "symbol", "date", "digest"),
)

repairs = Table(
    "repairs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("feed", String(64), nullable=False),
    Column("symbol", String(64), nullable=False),
    Column("date", Date, nullable=False),
    Column("reason", String(16), nullable=False),
    Column("requested_ns", BigInteger, nullable=False, comment="ns since the epoch, UTC"),
    Column("mended_ns", BigInteger, comment="when nothing was wrong with the partition any more"),
    Index("repairs_by_feed", "feed", "mended_ns"),
)
