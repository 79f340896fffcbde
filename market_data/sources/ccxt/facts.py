"""`facts.json`: of which market the pages beside are, and what was counted in them; landed with them."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from market_data.domain.errors import BadFile

NAME = "facts.json"


@dataclass(slots=True)
class Tally:
    """What one file of pages holds; `records` is all the rest together.

    Attributes:
        of_the_day: records of the day, those that overlapping pages hold twice included.
        before: of the days before, which the first page needs as its proof.
        after: of the days after; the candle that is still open is among them.
    """

    pages: int = 0
    records: int = 0
    of_the_day: int = 0
    before: int = 0
    after: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one request.

    Attributes:
        exchange: CCXT's id.
        market: what CCXT says of the market, as far as reading the pages needs it.
        page_size: what the options said, or None.
        files: the tally of each file of pages.
    """

    exchange: str
    market: Mapping[str, Any]
    page_size: int | None
    files: Mapping[str, Tally]

    @property
    def expected(self) -> int:
        """Return records of the day."""
        return sum(tally.of_the_day for tally in self.files.values())

    @property
    def notes(self) -> dict[str, Any]:
        """For the ledger: what was left out of the day because it is another one's."""
        return {"pages": {name: asdict(tally) for name, tally in self.files.items()}}


def write(facts: Facts, folder: Path) -> Path:
    """Return facts as bytes: the same facts give the same."""
    path = folder / NAME
    path.write_text(json.dumps(asdict(facts), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return path


def read(path: Path) -> Facts:
    """Return what `write` wrote.

    Raises:
        BadFile: it is something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        files = {name: Tally(**tally) for name, tally in content.pop("files").items()}
        return Facts(**content, files=files)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadFile(f"{path.name} does not tell of pages: {error}") from None
