"""What is said of a file that is gone or damaged: which partition it was of, and which command brings it back."""

from market_data.domain.errors import WarehouseDamaged

_MOST = 5


def damaged(table: str, feed: str, symbol: str, date: str, address: str, fault: str, *, counts: bool) -> str:
    """Return one sentence on a revision whose rows cannot be read.

    Args:
        date: the UTC day, ISO 8601.
        counts: whether the revision counts now; one that was superseded is in no landed file any more for sure.
    """
    what = f"{table} {feed} {date} {symbol}: {address} {fault}"
    if not counts:
        return f"{what}; it held a revision that counted then, and only `market-data restore` of a backup has it"
    again = f"market-data ingest {feed} --start {date} --symbols {symbol}"
    return f"{what}; `{again}` makes it again from landed bytes (with --refetch from the vendor's)"


def error(sentences: list[str]) -> WarehouseDamaged:
    """Return the error that tells them, the first few in full."""
    more = f"; and {len(sentences) - _MOST} more" if len(sentences) > _MOST else ""
    return WarehouseDamaged(f"{'; '.join(sentences[:_MOST])}{more}")
