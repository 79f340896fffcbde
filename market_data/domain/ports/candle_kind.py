"""The port of candle kinds. A kind is one module of `market_data.domain.candles` that defines `KIND`."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from market_data.domain.ports.source import EmptyBars

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class BarContext:
    """What bars of one partition need besides its trades.

    Attributes:
        day: the partition's UTC day.
        clock: the trades' column that decides a trade's bar: the clock of the vendor's own candles.
        instrument_id: given to bars where the trades have no `instrument_id` of their own.
        empty_bars: what stands for an interval without trades.
        previous_close: the last close of the day before, one row an instrument (`instrument_id`, `publisher_id`,
            `close`); None or a missing instrument means that it is not known, and nothing is guessed.
    """

    day: dt.date
    clock: str
    instrument_id: str
    empty_bars: EmptyBars = "absent"
    previous_close: "pl.DataFrame | None" = None


class CandleKind(Protocol):
    """A way to cut a day's trades into bars."""

    def check(self, timeframe: str) -> None:
        """Raises ValueError, saying what is expected, if this kind has no such timeframe."""
        ...

    def build(self, trades: "pl.LazyFrame", timeframes: Sequence[str], context: BarContext) -> "pl.LazyFrame":
        """Return bars of every timeframe asked for, with the columns of the `candles` table.

        Args:
            trades: one partition, sorted by (clock, ordinal), with price, size and, where the source has them,
                instrument_id, publisher_id and trade_count (how many trades one record stands for).
        """
        ...
