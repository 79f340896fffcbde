"""Whether a DBN file is what was asked for, by its own head, and how many records it has. Not what they say."""

from pathlib import Path

from market_data.domain.errors import BadFile
from market_data.domain.time import day_bounds
from market_data.sources.databento import dbn
from market_data.sources.databento.dbn import DbnFile
from market_data.sources.databento.query import Query


def schema_of(path: Path) -> str:
    """Return the vendor's schema of a file.

    Raises:
        BadFile: it is no DBN file, or of a schema that cannot be read.
    """
    try:
        with dbn.opened(path) as file:
            return file.schema
    except BadFile as error:
        raise BadFile(f"{path.name} {error}") from error


def count(path: Path, query: Query) -> int:
    """Return how many records a file holds that answers the query; it is read to its end.

    Raises:
        BadFile: it is no whole DBN file, or of another dataset, schema, symbol or time. The text goes on from its name.
    """
    with dbn.opened(path) as file:
        _must_answer(file, query)
        return sum(len(records) for records in file.arrays())


def _must_answer(file: DbnFile, query: Query) -> None:
    head = file.metadata
    for name, found, wanted in (("dataset", head.dataset, query.dataset), ("schema", file.schema, query.schema)):
        if found != wanted:
            raise BadFile(f"has the {name} {found}, and {wanted} was asked for")
    if query.symbol.upper() not in {symbol.upper() for symbol in head.symbols}:
        raise BadFile(f"has the symbols {', '.join(head.symbols[:5])}, without {query.symbol}")
    start, end = day_bounds(query.day)
    if head.start >= end or (head.end or end) <= start:
        raise BadFile(f"has nothing of {query.day.isoformat()}")
