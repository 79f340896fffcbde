"""What alembic runs the steps in: the connection and the transaction of `ledger.upgrade`."""

from alembic import context

from market_data.ledger.migrations import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
