"""Candles that the platform builds from trades."""

from market_data.domain.contract import Table
from market_data.domain.tables._bars import ORDER, REPETITIVE, Bars

TABLE = Table(name="candles", schema=Bars, order=ORDER, times=("ts_open",), repetitive=REPETITIVE)
