"""The options of a `ccxt` feed. Configuration only: light enough to be imported at every start, and CCXT is not."""

import difflib
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from market_data.vendor_access.address import Address

Timeframe = Literal["1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d"]
"""What divides a UTC day; each exchange has some of them."""


def _exchange(value: str) -> str:
    known = _ids()
    if value not in known:
        close = difflib.get_close_matches(value, known, n=3) or ["binance", "coinbase", "coinbaseexchange", "kraken"]
        raise ValueError(f"expected CCXT's id of an exchange, such as {', '.join(close)}; CCXT knows {len(known)}")
    return value


def _ids() -> list[str]:
    """Return the exchanges of the installed CCXT: a module each. Finding a package does not import it."""
    spec = find_spec("ccxt")
    folders = [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec else []
    return sorted(path.stem for folder in folders for path in folder.glob("[a-z]*.py"))


def _distinct(value: tuple[Timeframe, ...]) -> tuple[Timeframe, ...]:
    if len(set(value)) != len(value):
        raise ValueError("must name each timeframe once")
    return value


class RateOption(BaseModel):
    """At most so much weight in any window of so many seconds; the exchange's own weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: int = Field(ge=1, description="What may be used up in a window, in the exchange's own weights.")
    seconds: float = Field(gt=0, allow_inf_nan=False, description="The window's length.")


class CcxtOptions(BaseModel):
    """Which exchange, and from where. Keys are no options: they are read from `CCXT_<EXCHANGE>_API_KEY`, `_SECRET`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    exchange: Annotated[str, AfterValidator(_exchange)] = Field(
        description="CCXT's id: `binance`, `coinbase` (Advanced), `coinbaseexchange`, `kraken`, or any other."
    )
    base_url: Address | None = Field(
        default=None, description="Another server for all of the exchange's addresses, which keep their paths."
    )
    urls: dict[str, Address] = Field(
        default={}, description="Other whole addresses by CCXT's names of them (`public`, `fapiPublic`, `rest`)."
    )
    candles: Annotated[tuple[Timeframe, ...], Field(min_length=1), AfterValidator(_distinct)] | None = Field(
        default=None, description="The timeframes of `vendor_candles`; 1m and 1h, for Kraken 5m and 1h."
    )
    rates: tuple[RateOption, ...] | None = Field(
        default=None, min_length=1, description="Limits that all processes keep together, instead of the exchange's."
    )
    rate_limit_ms: int | None = Field(
        default=None, ge=0, description="CCXT's own pause between two requests, instead of CCXT's."
    )
    page_size: int | None = Field(
        default=None, ge=2, le=5_000, description="Records asked for at once; the most that the exchange gives."
    )
