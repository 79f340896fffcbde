"""The columns of the `candles` table, found when the first bar is built."""

from collections.abc import Mapping
from functools import cache

import polars as pl


@cache
def columns() -> Mapping[str, pl.DataType]:
    """Return names to types, in order.

    Not at import: configuration reads the kinds at every start, which must not wait half a second for dataframely.
    """
    from market_data.domain.contract import polars_schema
    from market_data.domain.tables._bars import Bars

    return polars_schema(Bars)
