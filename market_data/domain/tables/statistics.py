"""What a venue publishes beside its trades and quotes: settlement prices, open interest, the day's extremes."""

import dataframely as dy

from market_data.domain.contract import Table


class Statistics(dy.Schema):
    """Times are ns since the epoch, UTC; `ts_ref` is the instant that the statistic speaks of.

    `stat_type` names it, as `settlement_price` or `open_interest`; which of `price` and `quantity` it has follows from
    that. A price may have any sign: a net change is one. `ordinal` is the place in the vendor's order.
    """

    ts_event = dy.Int64(nullable=False)
    ts_recv = dy.Int64(nullable=True)
    ordinal = dy.Int64(nullable=False)
    instrument_id = dy.String(nullable=False)
    stat_type = dy.String(nullable=False)
    price = dy.Decimal(18, 9, nullable=True)
    quantity = dy.Decimal(28, 9, nullable=True)
    ts_ref = dy.Int64(nullable=True)


TABLE = Table(
    name="statistics",
    schema=Statistics,
    order=("ts_event", "ordinal"),
    times=("ts_event", "ts_recv", "ts_ref"),
    repetitive=("instrument_id", "raw_symbol", "stat_type"),
)
