"""The options of a `tardis` feed. Configuration only: light enough to be imported at every start."""

from typing import Annotated, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from market_data.sources.tardis.archive import Depth
from market_data.vendor_access.address import Address


def _published(value: int) -> int:
    if value not in (5, 25):
        raise ValueError("must be 5 or 25: Tardis publishes snapshots of these depths")
    return value


class TardisOptions(BaseModel):
    """Which exchange, and from where. The key is no option: it is read from `TARDIS_API_KEY`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    exchange: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,63}$",
        description="Tardis' id of the exchange, such as `binance-futures`, `bitmex` or `deribit`.",
    )
    book_depth: Annotated[int, AfterValidator(_published)] = Field(
        default=25, description="The levels of `book_snapshots`: `5` or `25`."
    )
    negative_prices: bool = Field(
        default=False,
        description="For combos and spreads, which trade below zero. Else such a trade or quote is set aside.",
    )
    base_url: Address = Field(
        default="https://datasets.tardis.dev",
        description="The data sets, or a mirror with the same folders; http or https.",
    )
    api_url: Address = Field(
        default="https://api.tardis.dev", description="The API that knows the instruments, or a mirror of it."
    )
    max_uncompressed_bytes: int = Field(
        default=256 << 30,
        gt=0,
        description="A file that would unpack to more is refused. Books of the busiest days have some ten GB.",
    )

    @property
    def depth(self) -> Depth:
        """Return the levels of `book_snapshots`."""
        return cast("Depth", self.book_depth)
