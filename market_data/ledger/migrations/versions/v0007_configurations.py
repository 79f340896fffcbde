"""What a build was shaped by besides its inputs, so that the same need not be built again."""

from alembic import op
from sqlalchemy import Column, String

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Two columns; what was built before has none of both, and is built once more."""
    op.add_column(
        "builds",
        Column("code_version", String(64), comment="of the latest build that is noted; null: the revision's"),
    )
    op.add_column(
        "builds",
        Column("configuration", String(64), comment="fingerprint of what shaped that build besides; null: not known"),
    )
