"""How vendors' files are read: CSV, JSON, zip, times, exact columns, in bounded memory. No vendor is known here."""
