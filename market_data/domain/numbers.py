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


def turnover(price: pl.Expr, size: pl.Expr) -> pl.Expr:
    """Price * size, exact. polars 2.1 rounds a product to the scale of its operands in silence: cast them first."""
    return price.cast(TURNOVER) * size.cast(TURNOVER)
