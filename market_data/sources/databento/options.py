"""The options of a `databento` feed. Configuration only: light enough to be imported at every start."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from market_data.vendor_access.address import HttpsAddress

SchemaName = Literal[
    "trades",
    "tbbo",
    "mbp-1",
    "bbo-1s",
    "bbo-1m",
    "ohlcv-1s",
    "ohlcv-1m",
    "ohlcv-1h",
    "ohlcv-1d",
    "statistics",
    "definition",
]
_QUOTES = ("tbbo", "mbp-1", "bbo-1s", "bbo-1m")
SymbolType = Literal["raw_symbol", "continuous", "parent", "instrument_id"]


def _distinct(value: tuple[SchemaName, ...]) -> tuple[SchemaName, ...]:
    if len(set(value)) != len(value):
        raise ValueError("must name each schema once")
    if len(quotes := [name for name in value if name in _QUOTES]) > 1:
        raise ValueError(f"must name one of {', '.join(quotes)}: they tell the same quotes, and all go to one table")
    return value


class DatabentoOptions(BaseModel):
    """What is bought. The key is no option: it is read from `DATABENTO_API_KEY`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str = Field(pattern=r"^[A-Z0-9]+\.[A-Z0-9]+$", description="Databento's code of it, such as `GLBX.MDP3`.")
    schemas: Annotated[tuple[SchemaName, ...], Field(min_length=1), AfterValidator(_distinct)] = Field(
        default=("definition", "trades", "tbbo", "statistics", "ohlcv-1m"),
        description="Databento's schemas; a table of the feed is made of those that feed it, and only they are bought.",
    )
    stype_in: SymbolType = Field(
        default="raw_symbol",
        description="How the feed's symbols are meant: `ESH4`, `ES.c.0`, `ES.FUT`, or an instrument's number.",
    )
    gateway: HttpsAddress | None = Field(
        default=None, description="Another server that speaks the historical API; https. Databento's own by default."
    )
    ca_file: Path | None = Field(
        default=None, description="The certificate authority of a private gateway, a PEM file; no other one is trusted."
    )
    batch_above_bytes: int = Field(
        default=5 * 10**9,
        ge=0,
        description="A schema of a symbol's day that is billed for more bytes is bought by a batch job, not streamed.",
    )
