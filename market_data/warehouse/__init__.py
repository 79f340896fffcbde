"""Tables as Parquet files that are written once, and SQL over those that count, which the ledger knows.

Nothing is imported here: a query needs the light modules alone.
"""
