"""The lengths of candles. Nothing of exchanges."""

from market_data.domain.time import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND

STEPS = {
    "1s": NS_PER_SECOND,
    **{f"{n}m": n * NS_PER_MINUTE for n in (1, 3, 5, 15, 30)},
    **{f"{n}h": n * NS_PER_HOUR for n in (1, 2, 4, 6, 8, 12)},
    "1d": NS_PER_DAY,
}
"""In ns, by CCXT's names."""
