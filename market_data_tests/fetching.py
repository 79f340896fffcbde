"""What a fetch gets in tests: a working folder, and a purse that notes what is spent."""

from collections.abc import Callable
from pathlib import Path

from market_data.domain.ports.source import FetchContext


def at(workdir: Path, spend: Callable[[float, str], None] | None = None) -> FetchContext:
    """A fetch in this folder, with a purse that has no bottom unless another one is given."""
    return FetchContext(workdir, spend or (lambda _usd, _what: None))
