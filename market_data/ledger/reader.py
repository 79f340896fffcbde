"""What readers ask of the ledger in plain SQL, that SQLite and PostgreSQL understand alike. Nothing is written here.

How a reader is had: without SQLAlchemy from `plain_reader`, from a `Ledger` by its own engine.
"""

import datetime as dt
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from market_data.domain.errors import ConfigurationError
from market_data.domain.time import to_datetime, to_ns
from market_data.ledger.file import File

Rows = Sequence[Sequence[Any]]
_BLOCK = 500


class Reader(Protocol):
    """Answers SQL about the ledger. Parameters are marked by `?`.

    Days and JSON are cast to text where they are selected, since the databases give them as they like.
    """

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Rows:
        """Return the rows that a query selects."""
        ...


def counting(as_of: int | None) -> tuple[str, Sequence[Any]]:
    """Return the condition, with its values, for rows that count now, or counted right after a commit.

    It is `ledger.revision.counting` in words.
    """
    if as_of is None:
        return "state = 'current'", ()
    then = "state <> 'pending' AND committed_in <= ? AND (superseded_in IS NULL OR superseded_in > ?)"
    return then, (as_of, as_of)


class State(NamedTuple):
    """What `ledger_state` holds."""

    last_commit: int
    last_ns: int
    history_since: int


def state_of(reader: Reader) -> State:
    """Return the state of the ledger."""
    return State(*reader.rows("SELECT last_commit, last_ns, history_since FROM ledger_state")[0])


def settled_commit(reader: Reader, moment: int | dt.datetime) -> int | None:
    """Return the number of the commit after which a moment's answer stays the same for ever.

    None where a later commit might still get a time before the moment: the ledger must note it first.

    Args:
        moment: the number of a commit, or a time.

    Raises:
        ConfigurationError: it is in the future, or before what is kept of history.
    """
    state = state_of(reader)
    number = _commit_at(reader, state, to_ns(moment)) if isinstance(moment, dt.datetime) else moment
    if number is not None and number > state.last_commit:
        raise ConfigurationError(f"commit {number} is not made yet; the last one is {state.last_commit}")
    if number is not None:
        must_be_kept(reader, state, number, moment)
    return number


def must_be_kept(reader: Reader, state: State, number: int, moment: int | dt.datetime) -> None:
    """Raise an error where history ended after the commit with that number, by which `moment` is told.

    Raises:
        ConfigurationError: with the commit since which history is whole.
    """
    if number < state.history_since:
        query = "SELECT min(committed_ns) FROM partition_revisions WHERE committed_in >= ?"
        since = reader.rows(query, [state.history_since])[0][0]
        raise ConfigurationError(
            f"as of {moment} nothing can be told: files of that time were removed; history is whole since commit "
            f"{state.history_since}" + (f" ({to_datetime(since).isoformat()})" if since is not None else "")
        )


def _commit_at(reader: Reader, state: State, ns: int) -> int | None:
    if ns > time.time_ns():
        raise ConfigurationError(f"{to_datetime(ns).isoformat()} is in the future: nobody knows what will count then")
    if ns > state.last_ns:
        return None
    begun = "SELECT max(committed_in) FROM partition_revisions WHERE committed_ns <= ? AND state <> 'pending'"
    # A partition that ceases to count without another in its place ends in a commit of its own.
    ended = "SELECT max(superseded_in) FROM partition_revisions WHERE superseded_ns <= ?"
    asked = max(ns, 0)  # SQLite has no integers for what lies centuries before
    return max(reader.rows(query, [asked])[0][0] or 0 for query in (begun, ended))


def files_of(reader: Reader, paths: Sequence[str]) -> dict[str, File]:
    """Return what is known of files, by their paths."""
    rows = in_blocks(reader, "SELECT path, sha256, xxh3, size_bytes FROM files WHERE path IN", paths)
    return {row[0]: File(*row) for row in rows}


def in_blocks(reader: Reader, query: str, among: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield the rows of a query that ends in `IN`, asked a block of the values at a time: SQLite's are limited."""
    for first in range(0, len(among), _BLOCK):
        block = among[first : first + _BLOCK]
        yield from reader.rows(f"{query} ({', '.join('?' * len(block))})", block)
