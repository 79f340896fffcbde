"""Which columns, of which types, the files of a table have, as the ledger knows it: no file is opened. Light.

A table's files need not be alike: sources have columns of their own beside the contract's. But a column of one name
has one type, whatever feed it is of, so that a query means one thing.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from market_data.domain.errors import ConfigurationError
from market_data.ledger.reader import Reader, counting

Shape = Mapping[str, str]
"""Columns in order: names to SQL types."""
KEY_TYPES: Shape = {"feed": "VARCHAR", "symbol": "VARCHAR", "date": "DATE"}
KEYS = tuple(KEY_TYPES)
"""The columns that every table has first."""

_NOW = """
    WITH RECURSIVE found(columns) AS (
        SELECT min(columns) FROM partition_revisions WHERE state = 'current' AND table_name = ?
        UNION ALL
        SELECT (SELECT min(n.columns) FROM partition_revisions n
                WHERE n.state = 'current' AND n.table_name = ? AND n.columns > found.columns)
        FROM found WHERE found.columns IS NOT NULL
    )
    SELECT columns FROM found WHERE columns IS NOT NULL
"""
"""Every shape of what counts now: one look into an index for each, where DISTINCT goes through all revisions."""
_KNOWN: dict[str, Shape] = {}
"""By fingerprint, which determines it."""
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
_MOST_DIGITS = 38


class Shapes:
    """The shapes of tables at one moment.

    Args:
        as_of: the number of the commit right after which is asked; None for now.
        described: tells of a table what a fingerprint stands for, where the ledger does not know: that of a file by an
            earlier version. Without it such a file has no columns.
    """

    def __init__(
        self, reader: Reader, as_of: int | None = None, described: Callable[[str, str], Shape] | None = None
    ) -> None:
        self._reader = reader
        self._as_of = as_of
        self._described = described

    def of(self, table: str) -> Mapping[str, Shape]:
        """Return the shapes of all the table's files, by fingerprint."""
        where, values = counting(self._as_of)
        query = f"SELECT DISTINCT columns FROM partition_revisions WHERE table_name = ? AND {where}"
        query, values = (query, [table, *values]) if self._as_of is not None else (_NOW, [table] * 2)
        found = sorted(str(columns) for (columns,) in self._reader.rows(query, values))
        return {columns: self._shape(table, columns) for columns in found}

    def columns(self, table: str) -> set[str]:
        """Return the names of every column that some file of a table has, in lower case."""
        return {name.lower() for shape in self.of(table).values() for name in shape}

    def of_other_feeds(self, table: str, feed: str) -> Iterator[tuple[str, Shape]]:
        """Yield the shapes of the files of other feeds that count now, each with one such feed."""
        where = "table_name = ? AND columns = ? AND state = 'current' AND feed <> ?"
        for columns, shape in self.of(table).items():
            query = f"SELECT feed FROM partition_revisions WHERE {where} LIMIT 1"
            yield from ((str(other), shape) for (other,) in self._reader.rows(query, [table, columns, feed]))

    def _shape(self, table: str, columns: str) -> Shape:
        if columns not in _KNOWN:
            known = self._reader.rows("SELECT types FROM shapes WHERE columns = ?", [columns])
            if known:
                _KNOWN[columns] = dict(_decoded(known[0][0]))
            elif self._described is not None:
                _KNOWN[columns] = self._described(table, columns)
            else:
                return {}
        return _KNOWN[columns]


def one_shape(table: str, shapes: Iterable[Shape]) -> Shape:
    """Return one type for each column, by its name in lower case. Decimals are read at the widest, exactly.

    Raises:
        ConfigurationError: one column has types that are not one.
    """
    found: dict[str, str] = {}
    for shape in shapes:
        for name, kind in shape.items():
            known = found.get(name.lower(), kind)
            widest = _one_type(known, kind)
            if widest is None:
                raise ConfigurationError(f"{table}.{name} is {known} in some files and {kind} in others: rename one")
            found[name.lower()] = widest
    return found


def must_agree(table: str, new: tuple[str, Shape], others: Iterable[tuple[str, Shape]]) -> None:
    """Raise an error where the columns of a feed's files cannot stand in one table with those of others.

    Args:
        new: the feed and its columns.
        others: feeds whose files are there, and their columns.

    Raises:
        ConfigurationError: one column has two types, or the name of another; the text names it, and the feeds.
    """
    feed, shape = new
    taken = Counter([*KEYS, *map(str.lower, shape)])
    for name in shape:
        if taken[name.lower()] > 1:  # every query of the table would fail, whatever feed it is about
            raise ConfigurationError(
                f"feed {feed}: {table}.{name} has the name of another column of the table (which has feed, symbol and "
                f"date by itself; small and capital letters are alike): give it another name"
            )
    for other, there in others:
        types = {name.lower(): kind for name, kind in there.items()}
        for name, kind in shape.items():
            if _one_type(types.get(name.lower(), kind), kind) is None:
                raise ConfigurationError(
                    f"feed {feed}: {table}.{name} would be {kind}, but is {types[name.lower()]} {other}; a column of "
                    f"one name has one type in every feed: give one of them another name"
                )


def _one_type(first: str, second: str) -> str | None:
    """Return the type that holds both exactly; None where there is none."""
    if first == second:
        return first
    if first in _INTEGERS and second in _INTEGERS:
        return max(first, second, key=_INTEGERS.index)
    decimals = [re.fullmatch(r"DECIMAL\((\d+), ?(\d+)\)", kind) for kind in (first, second)]
    sizes = [(int(each[1]), int(each[2])) for each in decimals if each is not None]
    if len(sizes) < len(decimals):
        return None
    scale, whole = max(s for _, s in sizes), max(p - s for p, s in sizes)
    return f"DECIMAL({scale + whole}, {scale})" if scale + whole <= _MOST_DIGITS else None


def _decoded(types: Any) -> Any:
    """Return JSON that SQLite gives as text."""
    return json.loads(types) if isinstance(types, str) else types
