"""Candles as the vendor publishes them, kept to be compared with ours; never mixed with them."""

from market_data.domain.contract import Table
from market_data.domain.tables._bars import ORDER, REPETITIVE, Bars

TABLE = Table(name="vendor_candles", schema=Bars, order=ORDER, times=("ts_open",), repetitive=REPETITIVE)
