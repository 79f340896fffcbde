"""How the pages of each exchange are walked: a module each, found by CCXT's id; any other goes the `generic` way.

Names of modules begin with an underscore where they are no exchange's.
"""

from importlib import import_module
from typing import cast

from market_data.sources.ccxt.exchange_facts import TRAITS
from market_data.sources.ccxt.pages import Market, Way


def way(exchange: str, market: Market, page_size: int | None) -> Way:
    """Return the way of an exchange, for one of its markets; imported when it is asked for."""
    module = import_module(f"{__name__}.{exchange if exchange in TRAITS else '_generic'}")
    return cast("Way", module.WAY(exchange, market, page_size))
