"""What is said of a file that is gone or damaged: which partition it was of, and which command brings it back."""

from collections.abc import Sequence

from market_data.domain.errors import WarehouseDamaged

_MOST = 5


def damaged(table: str, feed: str, symbol: str, days: Sequence[str], address: str, fault: str, *, counts: bool) -> str:
    """Return one sentence on a revision, or on several of one file, whose rows cannot be read.

    Args:
        days: the UTC days in order, ISO 8601.
        counts: whether the revision counts now; one that was superseded is in no landed file any more for sure.
    """
    first, last = days[0], days[-1]
    what = f"{table} {feed} {first if first == last else f'{first} to {last}'} {symbol}: {address} {fault}"
    if not counts:
        return f"{what}; it held a revision that counted then, and only `market-data restore` of a backup has it"
    again = f"market-data ingest {feed} --start {first}{'' if first == last else f' --end {last}'} --symbols {symbol}"
    return f"{what}; `{again}` makes it again from landed bytes (with --refetch from the vendor's)"


def error(sentences: list[str]) -> WarehouseDamaged:
    """Return the error that tells them, the first few in full."""
    more = f"; and {len(sentences) - _MOST} more" if len(sentences) > _MOST else ""
    return WarehouseDamaged(f"{'; '.join(sentences[:_MOST])}{more}")
