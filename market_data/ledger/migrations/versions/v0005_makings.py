"""How a revision was made, beside what it is."""

from sqlalchemy import JSON, BigInteger, Column, Float, Integer, MetaData, String, Table

from market_data.ledger.migrations.relation import make_or_complete

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """The relation."""
    made = MetaData()
    make_or_complete(
        Table(
            "makings",
            made,
            Column("revision_id", Integer, primary_key=True, autoincrement=False),
            Column(
                "seconds", Float, comment="from the first request to the commit; of the making that gave the revision"
            ),
            Column(
                "inputs",
                JSON,
                comment="of the latest making that gave the same bytes from others; null: the revision's",
            ),
            Column("run_id", String(64), nullable=False, comment="of the latest making that is noted"),
            Column("made_ns", BigInteger, nullable=False, comment="ns since the epoch, UTC; likewise"),
        )
    )
