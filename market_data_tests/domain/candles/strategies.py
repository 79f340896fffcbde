"""Days of trades for property tests: ties on one instant, several publishers or none, zero sizes, the types' limits."""

from collections.abc import Sequence

from hypothesis import settings
from hypothesis import strategies as st

from market_data.domain.time import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE
from market_data_tests.domain.candles.reference import ALONE, START, Group, Trade

MAX_PRICE = 10**18 - 1
MAX_SIZE = 10**28 - 1
relaxed = settings(deadline=None, max_examples=50)
"""A machine that is busy with other things breaks no property."""
LIMIT = 10**38
"""What a polars decimal cannot hold any more, in units of its last digit."""
GROUPS: list[Group] = [ALONE, ("XRP-ETH", 1), ("XRP-ETH", 2), ("ADA-ETH", None)]

_edges = st.sampled_from([0, 1, NS_PER_MINUTE - 1, NS_PER_MINUTE, NS_PER_HOUR, NS_PER_DAY - 1])
_instants = st.one_of(_edges, st.integers(0, 3 * NS_PER_HOUR), st.integers(0, NS_PER_DAY - 1)).map(START.__add__)
_prices = st.one_of(st.sampled_from([1, 10**9]), st.integers(1, 30 * 10**9), st.integers(-(10**12), 10**12))
_sizes = st.one_of(st.sampled_from([0, 0, 1, 5 * 10**8, 10**9]), st.integers(0, 3 * 10**9), st.integers(0, 10**17))


def days(groups: Sequence[Group] = GROUPS) -> st.SearchStrategy[list[Trade]]:
    """Trades of one day in order of time; those of one instant in any order."""
    return _in_order(st.builds(Trade, _instants, _prices, _sizes, st.sampled_from(groups), st.integers(1, 9)), 40)


def extreme_days() -> st.SearchStrategy[list[Trade]]:
    """Few trades whose prices, sizes and products lie at the limits of their types and of 128 bits."""
    prices = st.one_of(st.sampled_from([1, -1, MAX_PRICE, -MAX_PRICE]), st.integers(1, MAX_PRICE))
    products = st.sampled_from([0, 1, 10**37, LIMIT // 2, LIMIT - 1, LIMIT, 2**127, 2**128 - 1, 2**128, MAX_SIZE**2])
    groups = st.sampled_from([ALONE, ("XRP-ETH", 1)])
    return _in_order(st.builds(_trade_worth, _instants, prices, products, st.integers(0, 2), groups), 6)


def _trade_worth(ts: int, price: int, product: int, more: int, group: Group) -> Trade:
    return Trade(ts, price, min(product // abs(price) + more, MAX_SIZE), group)


def _in_order(trades: st.SearchStrategy[Trade], most: int) -> st.SearchStrategy[list[Trade]]:
    return st.lists(trades, max_size=most).map(lambda day: sorted(day, key=lambda trade: trade.ts))
