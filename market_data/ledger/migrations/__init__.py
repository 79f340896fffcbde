"""The steps from one schema of the ledger to the next, by alembic. What the schema is, `ledger.schema` says.

A change of `schema.py` is a new module in `versions`, and its number here.
"""

HEAD = "0006"
"""The version that this code reads and writes."""
VERSION_TABLE = "ledger_version"
SCHEMA = "market_data_ledger"
"""Where the ledger's relations lie on PostgreSQL, since Dagster's lie in the database's usual schema. It is not
`market_data`: a schema of the user's own name is his usual one, and many will name him so."""
