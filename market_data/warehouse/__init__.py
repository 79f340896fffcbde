"""Tables as one Parquet file a partition, the ledger that says which files count, and SQL over both."""

from market_data.ledger.ledger import Ledger
from market_data.ledger.revision import Revision
from market_data.warehouse.store import Staged, Warehouse

__all__ = ["Ledger", "Revision", "Staged", "Warehouse"]
