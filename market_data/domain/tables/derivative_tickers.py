"""What an exchange says of a perpetual or future beside its trades: funding, open interest, index and mark price."""

import dataframely as dy

from market_data.domain.contract import Table


class DerivativeTickers(dy.Schema):
    """Times are ns since the epoch, UTC; `ts_funding` is the next funding. What was not told is null.

    Rates are shares of one, not per cent. Index and mark prices are averages, hence their eighteen digits.
    """

    ts_event = dy.Int64(nullable=False)
    ts_recv = dy.Int64(nullable=True)
    ordinal = dy.Int64(nullable=False)
    ts_funding = dy.Int64(nullable=True)
    funding_rate = dy.Decimal(38, 18, nullable=True)
    predicted_funding_rate = dy.Decimal(38, 18, nullable=True)
    open_interest = dy.Decimal(28, 9, nullable=True)
    last_price = dy.Decimal(18, 9, nullable=True)
    index_price = dy.Decimal(38, 18, nullable=True)
    mark_price = dy.Decimal(38, 18, nullable=True)


TABLE = Table(
    name="derivative_tickers",
    schema=DerivativeTickers,
    order=("ts_event", "ordinal"),
    times=("ts_event", "ts_recv", "ts_funding"),
    repetitive=(
        "funding_rate",
        "predicted_funding_rate",
        "open_interest",
        "index_price",
        "mark_price",
        "instrument_id",
    ),
)
