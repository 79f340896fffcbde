"""One row for each revision of each partition of each table: what counts, what it superseded, what it was made of."""

import dataclasses
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from market_data.domain.errors import PartitionBusy
from market_data.domain.partition import Partition
from market_data.ledger.alerts import History
from market_data.ledger.database import engine_of, reading, waited_for
from market_data.ledger.dropped_records import Dropped
from market_data.ledger.repairs import Repairs
from market_data.ledger.revision import Revision, counting, key_of, of_table, revision_of, within
from market_data.ledger.schema import CURRENT, LOST, PENDING, SUPERSEDED, makings, revisions
from market_data.ledger.spending import Spending
from market_data.ledger.sqlite import READS_ONLY
from market_data.ledger.upgrade import bring_up

T = TypeVar("T")

_BLOCK = 1_000


class Ledger:
    """The ledger at a database URL, brought to the schema that this code knows.

    A PostgreSQL server that does not answer is waited for, two minutes at most; what was under way is then done again.
    Where the connection was lost while a transaction was committed, the ledger is asked whether it was.

    Raises:
        ConfigurationError: the URL names no such database, or its server refuses.
        DatabaseUnavailable: its server does not answer; any method may raise it.
        LedgerUnfit: the ledger is of a version that this code does not know.
        StorageTrouble: there is no room for a copy of a ledger in SQLite, and so it is not upgraded.
    """

    def __init__(self, url: str) -> None:
        self._engine = engine_of(url)
        waited_for(lambda: bring_up(self._engine))

    @property
    def spending(self) -> Spending:
        """What was spent at vendors."""
        return Spending(self._engine)

    @property
    def alerts(self) -> History:
        """What is known of alerts."""
        return History(self._engine)

    @property
    def dropped(self) -> Dropped:
        """Which records in quarantine somebody looked at and does not want."""
        return Dropped(self._engine)

    @property
    def repairs(self) -> Repairs:
        """Which partitions were asked to be made again."""
        return Repairs(self._engine)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def current(self, table: str, partition: Partition) -> Revision | None:
        """The revision that counts now."""
        found = self._select(and_(*of_table(table, partition), revisions.c.state == CURRENT))
        return found[0] if found else None

    def history(self, table: str, partition: Partition) -> list[Revision]:
        """Every revision that ever counted, oldest first."""
        return self._select(and_(*of_table(table, partition), revisions.c.state != PENDING))

    def histories(self, partition: Partition) -> dict[str, list[Revision]]:
        """Every revision of a partition that ever counted, by table, oldest first."""
        found: dict[str, list[Revision]] = {}
        for revision in self._select(and_(*within(partition), revisions.c.state != PENDING)):
            found.setdefault(revision.table, []).append(revision)
        return found

    def filed(self) -> Iterator[Revision]:
        """Every revision that has a file, in the order in which they were entered; read in blocks."""
        query, last = select(revisions).where(revisions.c.state.in_([CURRENT, SUPERSEDED])), 0
        while True:
            with reading(self._engine) as connection:
                block = query.where(revisions.c.id > last).order_by(revisions.c.id).limit(_BLOCK)
                found = [revision_of(row) for row in connection.execute(block).mappings()]
            if not found:
                return
            yield from found
            last = found[-1].id

    def pending(self, table: str | None = None, partition: Partition | None = None) -> list[Revision]:
        """Claims that are neither made current nor given up."""
        where = [revisions.c.state == PENDING]
        if table is not None and partition is not None:
            where += of_table(table, partition)
        return self._select(and_(*where))

    def find(self, *where: ColumnElement[bool], as_of: int | None = None) -> list[Revision]:
        """The revisions that count (or, with `as_of` in ns, that counted then), by table, feed, day, symbol."""
        return self._select(and_(counting(as_of), *where))

    def rows(self, query: Select[Any], as_of: int | None = None) -> Sequence[Row[Any]]:
        """What `query` selects of the revisions that count (or counted then): faster by far than `Revision`s."""
        return self.all_rows(query.where(counting(as_of)))

    def all_rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        """What `query` selects, whatever the state of a revision."""

        def read() -> Sequence[Row[Any]]:
            with reading(self._engine) as connection:
                return connection.execute(query).all()

        return waited_for(read)

    def made_from(self, revision: Revision) -> Sequence[Mapping[str, Any]]:
        """The inputs of the latest making that gave a revision's bytes; its own where there was no later one."""
        found = self.all_rows(select(makings.c.inputs).where(makings.c.revision_id == revision.id))
        return found[0].inputs if found and found[0].inputs is not None else revision.inputs

    def confirm(self, current: Revision, inputs: Sequence[Mapping[str, Any]], run_id: str) -> None:
        """Note that a revision's bytes were made again, where that was from other inputs than before."""
        if list(inputs) == list(self.made_from(current)):
            return
        values = {"inputs": list(inputs), "run_id": run_id, "made_ns": time.time_ns()}
        again = update(makings).where(makings.c.revision_id == current.id).values(values)

        def note(connection: Connection) -> None:
            if connection.execute(again).rowcount:
                return
            try:
                with connection.begin_nested():
                    connection.execute(insert(makings).values(revision_id=current.id, **values))
            except IntegrityError:  # PostgreSQL: another process noted its own since the update
                connection.execute(again)

        self._write(note)

    def claim(self, values: Mapping[str, Any], table: str, partition: Partition, follows: int) -> Revision | None:
        """Enter a pending revision after the one numbered `follows` (0: the first).

        None where another writer's claim is in the way, or another revision came meanwhile.
        """
        return self._add(values, table, partition, follows, PENDING)

    def enter(
        self,
        values: Mapping[str, Any],
        table: str,
        partition: Partition,
        follows: int,
        seconds: float | None = None,
    ) -> Revision | None:
        """Enter a revision that is whole already: it is current, and the one numbered `follows` superseded, at once.

        None as for `claim`.

        Args:
            seconds: how long it took to make, where that is known.
        """
        return self._add(values, table, partition, follows, CURRENT, seconds)

    def _add(
        self,
        values: Mapping[str, Any],
        table: str,
        partition: Partition,
        follows: int,
        state: str,
        seconds: float | None = None,
    ) -> Revision | None:
        newest = select(revisions.c.revision, revisions.c.state, revisions.c.committed_ns)
        newest = newest.where(*of_table(table, partition)).order_by(revisions.c.revision.desc()).limit(1)
        entered: Revision | None = None

        def add(connection: Connection) -> Revision | None:
            nonlocal entered
            last = connection.execute(newest).first()
            if (last is not None and last.state == PENDING) or follows != (last.revision if last is not None else 0):
                return None
            row = {**values, "table_name": table, **key_of(partition), "state": state, "revision": follows + 1}
            # A clock that was set back must not make a later revision older than the one it supersedes.
            row["committed_ns"] = max(time.time_ns(), last.committed_ns + 1 if last is not None else 0)
            found = connection.execute(insert(revisions).values(row).returning(*revisions.c))
            entered = revision_of(found.mappings().one())
            if state == CURRENT:
                before = and_(*of_table(table, partition), revisions.c.state == CURRENT, revisions.c.id != entered.id)
                superseded = {"state": SUPERSEDED, "superseded_ns": entered.committed_ns}
                connection.execute(update(revisions).where(before).values(superseded))
            _note_seconds(connection, entered, seconds)
            return entered

        try:
            added = self._write(add)
        except IntegrityError as error:
            if getattr(error.orig, "pgcode", None) != _UNIQUE_VIOLATION:
                raise
            added = None  # another claim was entered since the select
        if added is None and entered is not None:
            # The way is barred on a later try, and perhaps by what an earlier one entered: a commit that was cut off
            # may have come through. Whatever bars the way is committed, so looking at it tells.
            return self._entered(entered)
        return added

    def _entered(self, revision: Revision) -> Revision | None:
        """What became of a revision that was entered; None where it never was. Numbers of lost rows come again."""
        c = revisions.c
        same = (c.id == revision.id, c.writer == revision.writer, c.sha256 == revision.sha256)
        found = self._select(and_(*of_table(revision.table, revision.partition), *same))
        return found[0] if found else None

    def commit(self, claim: Revision, superseded_path: Path | None, seconds: float | None = None) -> Revision:
        """Make a pending revision current, and the one before it superseded, its file now at `superseded_path`.

        Without that path the one before it, if any, is lost: its file was damaged or gone already.

        Args:
            seconds: how long it took to make, where that is known.
        """
        counts = {"state": CURRENT, "committed_ns": max(claim.committed_ns, time.time_ns())}
        values: dict[str, Any] = {"state": LOST, "superseded_ns": counts["committed_ns"]}
        if superseded_path is not None:
            values |= {"state": SUPERSEDED, "path": superseded_path.as_posix()}

        def make_current(connection: Connection) -> bool:
            mine = update(revisions).where(revisions.c.id == claim.id, revisions.c.writer == claim.writer, _IS_PENDING)
            if not connection.execute(mine.values(counts)).rowcount:
                return False
            before = and_(
                *of_table(claim.table, claim.partition), revisions.c.state == CURRENT, revisions.c.id != claim.id
            )
            connection.execute(update(revisions).where(*before).values(values))
            _note_seconds(connection, claim, seconds)
            return True

        if self._write(make_current):
            return dataclasses.replace(claim, **counts)
        # It is pending no more: a commit that was cut off came through, or another process settled it.
        settled = self._entered(claim)
        if settled is None:
            raise PartitionBusy(f"{claim.table} {claim.partition}: another process gave up this one's claim; try again")
        return settled

    def abandon(self, claim_id: int) -> None:
        """Give up a claim."""
        given_up = delete(revisions).where(revisions.c.id == claim_id, _IS_PENDING)
        self._write(lambda connection: connection.execute(given_up))

    def _write(self, work: Callable[[Connection], T]) -> T:
        """Does `work` in a transaction, and again where the database broke off: it may have been done already."""

        def once() -> T:
            with self._engine.begin() as connection:
                return work(connection)

        return waited_for(once)

    @contextmanager
    def instant(self) -> Generator[Connection]:
        """A connection that reads everything as of one instant, and holds up nobody who writes."""
        options = {READS_ONLY: True, "isolation_level": "REPEATABLE READ"}
        if self._engine.dialect.name == "sqlite":  # where a transaction that reads always is one instant
            del options["isolation_level"]
        with self._engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """One transaction, for those who move whole relations."""
        with self._engine.begin() as connection:
            yield connection

    def _select(self, where: ColumnElement[bool]) -> list[Revision]:
        order = (
            revisions.c.table_name,
            revisions.c.feed,
            revisions.c.date,
            revisions.c.symbol,
            revisions.c.revision,
        )
        rows = self.all_rows(select(revisions).where(where).order_by(*order))
        return [revision_of(dict(zip(revisions.columns.keys(), row, strict=True))) for row in rows]


def _note_seconds(connection: Connection, revision: Revision, seconds: float | None) -> None:
    if seconds is not None:
        made = {"revision_id": revision.id, "seconds": seconds, "run_id": revision.run_id, "made_ns": time.time_ns()}
        connection.execute(insert(makings).values(made))


_IS_PENDING = revisions.c.state == PENDING
_UNIQUE_VIOLATION = "23505"
