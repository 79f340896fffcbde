"""Which partitions were asked to be made again."""

from sqlalchemy import BigInteger, Column, Date, Index, Integer, MetaData, String, Table

from market_data.ledger.migrations.relation import make_or_complete

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """The relation."""
    made = MetaData()
    make_or_complete(
        Table(
            "repairs",
            made,
            Column("id", Integer, primary_key=True, autoincrement=True),
            Column("feed", String(64), nullable=False),
            Column("symbol", String(64), nullable=False),
            Column("date", Date, nullable=False),
            Column("reason", String(16), nullable=False),
            Column("requested_ns", BigInteger, nullable=False, comment="ns since the epoch, UTC"),
            Column("mended_ns", BigInteger, comment="when nothing was wrong with the partition any more"),
            Index("repairs_by_feed", "feed", "mended_ns"),
        )
    )
