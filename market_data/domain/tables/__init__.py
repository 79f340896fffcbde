"""One file a table: its typed contract and how it is ordered and stored. `table("trades")` finds one by name."""

from typing import TYPE_CHECKING, cast

from market_data.domain import plugins

if TYPE_CHECKING:
    from market_data.domain.contract import Table

DELIVERED = (
    "instruments",
    "trades",
    "quotes",
    "book_snapshots",
    "book_updates",
    "derivative_tickers",
    "liquidations",
    "options_chains",
    "statistics",
    "vendor_candles",
)
"""Tables that sources deliver, in the order in which they are listed."""
DERIVED = ("candles", "quality_reports")
"""Tables that the platform makes itself for every feed, in the order in which it makes them."""
MADE_FROM = {"candles": ("trades",)}
"""What a derived table is made from; `quality_reports` from every other table of its feed."""
BOOKKEEPING = ("quarantine",)
"""Tables that are written beside others and are no asset of their own."""


def table_names() -> tuple[str, ...]:
    """Return every table, in order of name. Imports none of them."""
    return plugins.names(__name__)


def table(name: str) -> "Table":
    """Return the table of that name.

    Raises:
        LookupError: there is no such table.
    """
    return cast("Table", plugins.load(__name__, name, "TABLE"))
