"""One file a kind of candle, pure LazyFrame to LazyFrame; found by scanning."""

from typing import cast

from market_data.domain import plugins
from market_data.domain.ports.candle_kind import CandleKind


def kind_names() -> tuple[str, ...]:
    """Return every kind of candle, in order of name."""
    return plugins.names(__name__)


def candle_kind(name: str) -> CandleKind:
    """Return the kind of that name.

    Raises:
        LookupError: there is none; the text lists those there are.
    """
    return cast("CandleKind", plugins.load(__name__, name, "KIND"))
