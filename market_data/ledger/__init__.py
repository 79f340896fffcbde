"""The ledger, in SQLite or PostgreSQL: which revision counts, what was spent, told, repaired. No data files."""
