"""What a fetch gets in tests, a working folder and a purse that notes what is spent, and what it leaves behind."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from market_data.domain.ports.source import FetchContext, Fetched, LandedFile


def at(workdir: Path, spend: Callable[[float, str], None] | None = None) -> FetchContext:
    """A fetch in this folder, with a purse that has no bottom unless another one is given."""
    return FetchContext(workdir, spend or (lambda _usd, _what: None))


def landed(fetched: Sequence[Fetched]) -> list[LandedFile]:
    """What was fetched, as if it had been landed where it lies."""
    return [
        LandedFile(
            each.path,
            each.name,
            each.origin,
            hashlib.sha256(each.path.read_bytes()).hexdigest(),
            each.path.stat().st_size,
        )
        for each in fetched
    ]


def left(workdir: Path) -> list[str]:
    """The names of what lies in a folder."""
    return sorted(path.name for path in workdir.iterdir())
