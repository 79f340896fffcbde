"""The steps from one schema of the ledger to the next, by alembic. What the schema is, `ledger.schema` says.

A change of `schema.py` is a new module in `versions`, and its number here.
"""

HEAD = "0007"
"""The version that this code reads and writes."""
VERSION_TABLE = "ledger_version"
