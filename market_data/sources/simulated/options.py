"""What a feed may ask of the simulated exchange, and what holds where it says nothing. No simulation here."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Defect = Literal[
    "repeated_page",
    "conflicting_repeat",
    "unreadable",
    "impossible",
    "wrong_day",
    "crossed_quotes",
    "outlier",
    "wrong_candle",
    "id_gap",
    "late_clock",
]
ALL_DEFECTS: tuple[Defect, ...] = Defect.__args__
Timeframe = Literal["1m", "5m", "15m", "30m", "1h", "4h", "1d"]

# By the symbol's place in the feed; the last stands for all that follow.
_TRADES_PER_DAY = (20_000, 3_000, 300)
_START_PRICES = (Decimal(60_000), Decimal(3_000), Decimal(150))

# Below, a tick of nine digits would be coarse; above, a rise and an outlier would near the tables' limit.
Price = Annotated[Decimal, Field(ge=Decimal("0.0001"), le=Decimal(100_000_000))]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


class SimulatedOptions(BaseModel):
    """Options of a feed of the simulated exchange. Symbols are ours, not the vendor's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=7, description="Every number of the simulation follows from it.")
    defects: bool | tuple[Defect, ...] = Field(
        default=(), description="Defects to put into every day: their names, or true for all of them."
    )
    trades_per_day: Mapping[str, Count] = Field(
        default={},
        description="Average number of trades a day, by symbol; else 20,000 for the feed's first symbol, "
        "3,000 for the second, 300 for the others.",
    )
    start_price: Mapping[str, Price] = Field(
        default={},
        description="Price around which a symbol moves (within 40 %), by symbol; else 60,000 for the feed's "
        "first symbol, 3,000 for the second, 150 for the others.",
    )
    candles: tuple[Timeframe, ...] = Field(
        default=("1m", "5m"), min_length=1, description="Timeframes of the vendor's own candles."
    )

    @property
    def defect_names(self) -> tuple[Defect, ...]:
        """Return the defects asked for, by name."""
        if isinstance(self.defects, bool):
            return ALL_DEFECTS if self.defects else ()
        return self.defects

    def trades_of(self, symbol: str, rank: int) -> int:
        """Return average number of trades a day of the feed's symbol number `rank`, from 0."""
        return self.trades_per_day.get(symbol, _TRADES_PER_DAY[min(rank, len(_TRADES_PER_DAY) - 1)])

    def price_of(self, symbol: str, rank: int) -> Decimal:
        """Return price around which the feed's symbol number `rank`, from 0, moves."""
        return self.start_price.get(symbol, _START_PRICES[min(rank, len(_START_PRICES) - 1)])
