"""The exact number types of the platform, as polars types. No floats: they cannot hold a vendor's decimal."""

from decimal import Decimal

import polars as pl

PRICE = pl.Decimal(18, 9)
"""Prices. Fits int64, so Parquet stores eight bytes; |price| < 10^9."""
SIZE = pl.Decimal(28, 9)
"""Sizes of single trades and quotes."""
VOLUME = pl.Decimal(38, 9)
"""Sums of sizes."""
TURNOVER = pl.Decimal(38, 18)
"""Sums of price times size, and averages of prices: the product of two nine-digit scales has eighteen."""

MAX_PRICE = Decimal("999999999.999999999")
MAX_SIZE = Decimal("9999999999999999999.999999999")
_WHOLE = pl.Decimal(38, 0)


def turnover(price: pl.Expr, size: pl.Expr) -> pl.Expr:
    """Return the product of a price and a size, each of scale 9, as `TURNOVER`: exact.

    Polars raises where it does not fit.

    Counting the price in whole units of 1e-9 leaves polars no digit to round (2.1 cuts a product to the larger of its
    operands' scales: 0.000000001 * 0.5 gives 0), and costs a fraction of casting both operands to scale 18.
    """
    return (price.to_physical().cast(_WHOLE) * size).to_physical().reinterpret(dtype=TURNOVER)
