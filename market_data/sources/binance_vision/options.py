"""The options of a `binance_vision` feed. Configuration only: light enough to be imported at every start."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from market_data.sources.binance_vision.archive import Interval, Market
from market_data.vendor_access.address import Address


def _different(value: tuple[Interval, ...]) -> tuple[Interval, ...]:
    if len(set(value)) != len(value):
        raise ValueError("must name each interval once")
    return value


class BinanceVisionOptions(BaseModel):
    """Which part of the archive, and from where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    market: Market = Field(default="spot", description="`spot`, or `futures_um` for USD-M futures.")
    base_url: Address = Field(
        default="https://data.binance.vision",
        description="The archive, or a mirror with the same folders; http or https.",
    )
    allow_private_redirects: bool = Field(
        default=False,
        description="A public mirror may redirect to a private address. One that is private itself always may.",
    )
    klines: Annotated[tuple[Interval, ...], Field(min_length=1), AfterValidator(_different)] = Field(
        default=("1m", "5m"), description="The intervals of `vendor_candles`; `1s` is published for spot only."
    )
    max_uncompressed_bytes: int = Field(
        default=8 << 30,
        gt=0,
        description="A file that would unpack to more is refused. The busiest days have about 1 GB.",
    )

    @model_validator(mode="after")
    def _published(self) -> "BinanceVisionOptions":
        if self.market != "spot" and "1s" in self.klines:
            raise ValueError("klines of 1s are published for spot only")
        return self
