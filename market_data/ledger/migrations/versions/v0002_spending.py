"""What was spent at vendors."""

from sqlalchemy import BigInteger, Column, Date, Float, Index, Integer, MetaData, String, Table

from market_data.ledger.migrations.relation import make_or_complete

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """The relation."""
    made = MetaData()
    make_or_complete(
        Table(
            "spending",
            made,
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
    )
