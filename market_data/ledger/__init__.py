"""The ledger, in SQLite or PostgreSQL: which revision counts, what was spent, told, repaired. No data files.

Nothing is imported here: a query needs the light modules alone.
"""
