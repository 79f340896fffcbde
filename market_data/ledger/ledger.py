"""One row for each revision of each partition of each table: what counts, what it superseded, what it was made of."""

import datetime as dt
import json
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, RowMapping, Select, and_, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from market_data.domain.partition import Partition
from market_data.domain.time import to_ns
from market_data.ledger import file_moves
from market_data.ledger.alerts import History
from market_data.ledger.database import engine_of, reading, waited_for
from market_data.ledger.dropped_records import Dropped
from market_data.ledger.engine_reader import EngineReader, TransactionReader
from market_data.ledger.file import File
from market_data.ledger.kept import columns_of, note_current, note_inputs
from market_data.ledger.reader import Reader, settled_commit
from market_data.ledger.repairs import Repairs
from market_data.ledger.revision import NAMED, Revision, counting, key_of, named, of_table, revision_of
from market_data.ledger.schema import (
    CURRENT,
    EXPIRED,
    LOST,
    PENDING,
    SUPERSEDED,
    builds,
    files,
    ledger_state,
    revisions,
    shapes,
)
from market_data.ledger.spending import Spending
from market_data.ledger.sqlite import READS_ONLY
from market_data.ledger.upgrade import bring_up

T = TypeVar("T")

_BLOCK = 1_000
_IN_ORDER = [revisions.c[name] for name in ("table_name", "feed", "date", "symbol", "revision")]
_CURRENT = select(revisions).where(*NAMED, revisions.c.state == CURRENT)
_OF_PARTITION = select(revisions).where(*NAMED[1:], revisions.c.state != PENDING).order_by(*_IN_ORDER)
_FILES = select(files).where(files.c.path.in_(bindparam("paths", expanding=True)))
_NEWEST = select(revisions.c.revision).where(*NAMED).order_by(revisions.c.revision.desc()).limit(1)
_STATE = select(ledger_state).with_for_update()
_NUMBERED = update(ledger_state).values(last_commit=bindparam("number"), last_ns=bindparam("now"))
_ENTERED = insert(revisions).returning(*revisions.c)
_ENDED = (
    update(revisions)
    .where(*NAMED, revisions.c.state == CURRENT)
    .values(state=bindparam("ends_as"), superseded_in=bindparam("number"), superseded_ns=bindparam("now"))
    .returning(*revisions.c)
)
_TYPES = select(shapes.c.columns).where(shapes.c.columns == bindparam("of_columns"))


@dataclass(frozen=True, slots=True)
class Commit:
    """What a writer wants to count: a revision's values, the file of its rows, and what it follows.

    Attributes:
        values: the ledger's row, but for its keys, numbers and times.
        file: None where the rows are read from a file that the ledger knows.
        types: name and SQL type of each column, in order.
        follows: the number of the revision that it supersedes; 0 for none.
        previous_is_lost: whether that one's file was found damaged or gone.
        seconds: how long it took to make, where that is known.
        configuration: fingerprint of what it was made by besides its inputs and the code, where that is known.
    """

    table: str
    partition: Partition
    values: Mapping[str, Any]
    file: File | None
    types: Sequence[tuple[str, str]]
    follows: int
    previous_is_lost: bool = False
    seconds: float | None = None
    configuration: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One step of what counts: in commit `number`, a revision began to count (`counts`) or ceased to."""

    number: int
    committed_ns: int
    counts: bool
    revision: Revision


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
        """Return what was spent at vendors."""
        return Spending(self._engine)

    @property
    def alerts(self) -> History:
        """Return what is known of alerts."""
        return History(self._engine)

    @property
    def dropped(self) -> Dropped:
        """Return which records in quarantine somebody looked at and does not want."""
        return Dropped(self._engine)

    @property
    def repairs(self) -> Repairs:
        """Return which partitions were asked to be made again."""
        return Repairs(self._engine)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    # --- what there is ---------------------------------------------------------------------------

    def current(self, table: str, partition: Partition) -> Revision | None:
        """Return the revision that counts now."""
        found = self._revisions(_CURRENT, named(table, partition))
        return found[0] if found else None

    def history(self, table: str, partition: Partition) -> list[Revision]:
        """Return every revision that ever counted, oldest first."""
        return self._select(and_(*of_table(table, partition), revisions.c.state != PENDING))

    def histories(self, partition: Partition) -> dict[str, list[Revision]]:
        """Return every revision of a partition that ever counted, by table, oldest first."""
        found: dict[str, list[Revision]] = {}
        for revision in self._revisions(_OF_PARTITION, named("", partition)):
            found.setdefault(revision.table, []).append(revision)
        return found

    def pending(self) -> list[Revision]:
        """Return the claims that a writer of an earlier version left."""
        return self._select(revisions.c.state == PENDING)

    def find(self, *where: ColumnElement[bool], as_of: int | None = None) -> list[Revision]:
        """Return the revisions that count, or counted right after a commit, by table, feed, day, symbol."""
        return self._select(and_(counting(as_of), *where))

    def rows(self, query: Select[Any], as_of: int | None = None) -> Sequence[Row[Any]]:
        """Return what `query` selects of the revisions that count (or counted): faster by far than `Revision`s."""
        return self.all_rows(query.where(counting(as_of)))

    def all_rows(self, query: Select[Any], values: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """Return what `query` selects, whatever the state of a revision.

        Args:
            values: of the query's parameters, by name. A query that is made once and asked of many feeds costs half.
        """

        def read() -> Sequence[Row[Any]]:
            with reading(self._engine) as connection:
                return connection.execute(query, values).all()

        return waited_for(read)

    # --- commits ---------------------------------------------------------------------------------

    @property
    def identity(self) -> str:
        """Return the identity of this ledger. One that is restored from a backup has another."""
        return str(self._state().identity)

    @property
    def last_commit(self) -> int:
        """Return the number of the last commit; 0 where there was none."""
        return int(self._state().last_commit)

    def as_of(self, moment: int | dt.datetime) -> int:
        """Return the number of the commit after which a moment's answer stays the same for ever.

        Where nothing was committed since `moment`, the ledger notes it, so that no later commit, by whichever clock,
        gets a time before it. A commit that is under way is waited for.

        Args:
            moment: the number of a commit, or a time.

        Raises:
            ConfigurationError: it is in the future, or before what is kept of history.
        """
        while True:
            number = waited_for(partial(self._settled_commit, moment))
            if number is not None:
                return number
            self._write(partial(_no_commit_before, ns=to_ns(moment) if isinstance(moment, dt.datetime) else 0))

    def _settled_commit(self, moment: int | dt.datetime) -> int | None:
        with self.reader() as reader:
            return settled_commit(reader, moment)

    def changes(self, since: int = 0) -> Iterator[Change]:
        """Yield what began and what ceased to count in the commits after number `since`, in their order.

        In one commit, what ceases comes before what begins.
        """
        c, last = revisions.c, self.last_commit
        while since < last:
            through = min(since + _BLOCK, last)
            ended = self._select(and_(c.superseded_in > since, c.superseded_in <= through))
            begun = self._select(and_(c.committed_in > since, c.committed_in <= through, c.state != PENDING))
            times = {each.committed_in: each.committed_ns for each in begun}
            found = [(each.superseded_in or 0, 0, each) for each in ended]
            found += [(each.committed_in, 1, each) for each in begun]
            for number, counts, each in sorted(found, key=lambda one: (one[0], one[1], one[2].id)):
                yield Change(number, times.get(number, each.committed_ns), bool(counts), each)
            since = through

    def commit(self, wanted: Commit, last_step: Callable[[int], None] = lambda _: None) -> Revision | None:
        """Make a revision current, and the one that it follows superseded, in one transaction with its number.

        Returns None where the partition has another newest revision than the one it follows.

        Args:
            last_step: is given the number while the turn is held; what it raises undoes the commit.
        """
        entered: Revision | None = None

        def add(connection: Connection) -> Revision | None:
            nonlocal entered
            state = _take_turn(connection)
            last = connection.execute(_NEWEST, named(wanted.table, wanted.partition)).scalar()
            if wanted.follows != (last or 0):
                return None
            number, now = _next_commit(connection, state)
            _list_file(connection, wanted)
            keys = {"table_name": wanted.table, **key_of(wanted.partition), "revision": wanted.follows + 1}
            row = {**wanted.values, **keys, "state": CURRENT, "committed_in": number, "committed_ns": now}
            if wanted.file is None:  # its rows may have moved since the writer looked
                shared = (*of_table(wanted.table, wanted.partition), revisions.c.revision == wanted.follows)
                row |= file_moves.path_now(connection, shared)
            row |= columns_of(wanted.values["account"], wanted.values["notes"])
            before = _end(connection, wanted, number, now)
            found = connection.execute(_ENTERED, row).mappings().one()
            note_current(connection, found, before)
            entered = revision_of(found)
            _note_build(connection, entered, wanted)
            last_step(number)
            return entered

        added = self._write(add)
        if added is None and entered is not None:
            # The way is barred on a later try, and perhaps by what an earlier one entered: a commit that was cut off
            # may have come through. Whatever bars the way is committed, so looking at it tells.
            return self._entered(entered)
        return added

    def _entered(self, revision: Revision) -> Revision | None:
        """Return what became of a revision that was entered; None where it never was, though its id may come again."""
        c = revisions.c
        same = (c.id == revision.id, c.committed_in == revision.committed_in, c.path == revision.path.as_posix())
        found = self._select(and_(*of_table(revision.table, revision.partition), *same, c.run_id == revision.run_id))
        return found[0] if found else None

    def move(self, wanted: Sequence[Revision], file: File, last_step: Callable[[int], None] = lambda _: None) -> int:
        """Have the rows of revisions read from another file with the same rows: all at once, and no answer changes.

        Returns how many revisions were moved; those whose rows are read from another file by now than `wanted` says
        were not. Where it is none, the file is listed nowhere.

        Args:
            last_step: is given the number of the last commit while the turn is held; what it raises undoes the move.
        """

        def point(connection: Connection) -> int:
            state = _take_turn(connection)
            moved = file_moves.move(connection, wanted, file)
            if moved:
                last_step(state.last_commit)
            return moved

        return self._write(point)

    def has_superseded(self, before_ns: int) -> bool:
        """Return whether a revision is kept that was superseded before an instant, ns."""
        c = revisions.c
        return bool(self.all_rows(select(c.id).where(c.state == SUPERSEDED, c.superseded_ns < before_ns).limit(1)))

    def end_history(self, before_ns: int) -> int:
        """Let revisions expire that were superseded before an instant, ns; return how many.

        From then on `as_of` a commit before is an error. Their rows in the ledger stay.
        """

        def end(connection: Connection) -> int:
            _take_turn(connection)
            return file_moves.expire(connection, before_ns)

        return self._write(end)

    def _state(self) -> Row[Any]:
        return self.all_rows(select(ledger_state))[0]

    # --- files -----------------------------------------------------------------------------------

    def file_of(self, revision: Revision) -> File | None:
        """Return the file that a revision's rows are read from; None where they are lost."""
        return self.files_of([revision]).get(revision.id)

    def files_of(self, wanted: Iterable[Revision]) -> dict[int, File]:
        """Return the files of revisions by the revisions' ids; those whose rows are lost or expired have none."""
        paths = {each.id: each.path.as_posix() for each in wanted if each.state not in {LOST, EXPIRED}}
        found: dict[str, File] = {}
        listed = sorted(set(paths.values()))
        for first in range(0, len(listed), _BLOCK):
            rows = self.all_rows(_FILES, {"paths": listed[first : first + _BLOCK]})
            found |= {row.path: File(row.path, row.sha256, row.xxh3, row.size_bytes) for row in rows}
        return {id_: found[path] for id_, path in paths.items() if path in found}

    def filed(self) -> Iterator[File]:
        """Yield every file that a revision's rows are read from, in the order of their paths; read in blocks."""
        used = select(revisions.c.path).where(revisions.c.state.in_([CURRENT, SUPERSEDED])).distinct().subquery()
        query, last = select(files).join(used, used.c.path == files.c.path).order_by(files.c.path).limit(_BLOCK), ""
        while True:
            block = self.all_rows(query.where(files.c.path > last))
            if not block:
                return
            yield from (File(row.path, row.sha256, row.xxh3, row.size_bytes) for row in block)
            last = block[-1].path

    def forget_files(
        self, candidates: Iterable[str], remove: Callable[[str], None], before_ns: int | None = None
    ) -> int:
        """Remove files that no revision's rows are read from; how many.

        Each is looked up in the same turn in which it is removed, so that no commit comes between.

        Args:
            candidates: paths that may belong to nobody.
            before_ns: those that the ledger lists stay, unless nothing was read from them since before that instant.
        """
        removed = 0
        for path in candidates:

            def one(connection: Connection, path: str = path) -> bool:
                _take_turn(connection)
                used = select(revisions.c.id).where(revisions.c.path == path, file_moves.is_read()).limit(1)
                if connection.execute(used).first() is not None:
                    return False
                listed = connection.execute(select(files.c.unreferenced_ns).where(files.c.path == path)).first()
                since = None if listed is None else listed.unreferenced_ns
                if listed is not None and (before_ns is None or since is None or since >= before_ns):
                    return False
                remove(path)
                connection.execute(files.delete().where(files.c.path == path))
                return True

            removed += self._write(one)
        return removed

    def unreferenced(self, before_ns: int) -> list[str]:
        """Return the listed files that nothing is read from since before an instant, ns."""
        return [row.path for row in self.all_rows(select(files.c.path).where(files.c.unreferenced_ns < before_ns))]

    def types_of(self, columns: str) -> Sequence[tuple[str, str]] | None:
        """Return name and SQL type of the columns that a fingerprint stands for; None where it is not known."""
        found = self.all_rows(select(shapes.c.types).where(shapes.c.columns == columns))
        return [(name, kind) for name, kind in found[0].types] if found else None

    def note_types(self, columns: str, types: Sequence[tuple[str, str]]) -> None:
        """Keep what a fingerprint stands for, which an earlier version of the code did not."""
        self._write(lambda connection: _note_types(connection, columns, types))

    def note_content(self, revision: Revision, content: str) -> None:
        """Keep the hash of a revision's rows, which an earlier version of the code did not compute."""
        noted = update(revisions).where(revisions.c.id == revision.id, revisions.c.content.is_(None))
        self._write(lambda connection: connection.execute(noted.values(content=content)))

    # --- builds ----------------------------------------------------------------------------------

    def made_from(self, revision: Revision) -> Sequence[Mapping[str, Any]]:
        """Return the inputs of the latest build that gave a revision's rows; its own where there was no later one."""
        found = self.all_rows(select(builds.c.inputs).where(builds.c.revision_id == revision.id))
        return found[0].inputs if found and found[0].inputs is not None else revision.inputs

    def confirm(
        self,
        current: Revision,
        inputs: Sequence[Mapping[str, Any]],
        run_id: str,
        code_version: str | None = None,
        configuration: str | None = None,
    ) -> None:
        """Note that a revision's rows were made again, where that was from other inputs or in another way than before.

        Args:
            code_version: which code made them now; None where that is not to be noted.
            configuration: fingerprint of what shaped them besides; likewise.
        """
        found = self.all_rows(select(builds).where(builds.c.revision_id == current.id))
        row = found[0] if found else None
        made_from = current.inputs if row is None or row.inputs is None else row.inputs
        by = current.code_version if row is None or row.code_version is None else row.code_version
        same_way = code_version in {None, by} and configuration in {None, row.configuration if row else None}
        if same_way and list(inputs) == list(made_from):
            return
        values: dict[str, Any] = {"inputs": list(inputs), "run_id": run_id, "made_ns": time.time_ns()}
        values |= {"code_version": code_version or by, "configuration": configuration}
        again = update(builds).where(builds.c.revision_id == current.id).values(values)
        row = {"id": current.id, **key_of(current.partition)}
        counts = select(revisions.c.id).where(revisions.c.id == current.id, revisions.c.state == CURRENT)

        def note(connection: Connection) -> None:
            _take_turn(connection)  # what it was made from is not replaced while it is looked at
            if not connection.execute(again).rowcount:
                try:
                    with connection.begin_nested():
                        connection.execute(insert(builds).values(revision_id=current.id, **values))
                except IntegrityError:  # PostgreSQL: another program noted its own since the update
                    connection.execute(again)
            if connection.execute(counts).first() is not None:
                note_inputs(connection, row, inputs)

        self._write(note)

    # --- transactions ----------------------------------------------------------------------------

    def _write(self, work: Callable[[Connection], T]) -> T:
        """Do `work` in a transaction, and again where the database broke off: it may have been done already."""

        def once() -> T:
            with self._engine.begin() as connection:
                return work(connection)

        return waited_for(once)

    @contextmanager
    def turn(self) -> Generator[Connection]:
        """Hold the turn of commits: until the block ends nothing is committed by anybody else."""
        with self._engine.begin() as connection:
            _take_turn(connection)
            yield connection

    @contextmanager
    def instant(self) -> Generator[Connection]:
        """Give a connection that reads everything as of one instant, and holds up nobody who writes."""
        options = {READS_ONLY: True, "isolation_level": "REPEATABLE READ"}
        if self._engine.dialect.name == "sqlite":  # where a transaction that reads always is one instant
            del options["isolation_level"]
        with self._engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    @contextmanager
    def reader(self) -> Generator[Reader]:
        """Give a reader in plain SQL, as of one instant."""
        with self.instant() as connection:
            yield TransactionReader(connection)

    @property
    def current_reader(self) -> Reader:
        """Return a reader in plain SQL, each of whose answers is as of the instant in which it is given."""
        return EngineReader(self._engine)

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """Give one transaction, for those who move whole relations."""
        with self._engine.begin() as connection:
            yield connection

    def _select(self, where: ColumnElement[bool]) -> list[Revision]:
        return self._revisions(select(revisions).where(where).order_by(*_IN_ORDER))

    def _revisions(self, query: Select[Any], values: Mapping[str, Any] | None = None) -> list[Revision]:
        rows = self.all_rows(query, values)
        return [revision_of(dict(zip(revisions.columns.keys(), row, strict=True))) for row in rows]


def renew_identity(connection: Connection) -> None:
    """Give a ledger another identity: its commits to come are not those that another copy of it makes."""
    connection.execute(update(ledger_state).values(identity=uuid.uuid4().hex))


def _take_turn(connection: Connection) -> Row[Any]:
    """Wait until no other commit is under way, and have none begin until this transaction ends.

    On SQLite every writer has the turn since it began. On PostgreSQL numbers from a sequence would become visible out
    of order; the lock on one row does not let them.
    """
    return connection.execute(_STATE).one()


def _next_commit(connection: Connection, state: Row[Any]) -> tuple[int, int]:
    """Give a commit its number and its time. Both grow together, also where the clock was set back."""
    number, now = state.last_commit + 1, max(time.time_ns(), state.last_ns + 1)
    connection.execute(_NUMBERED, {"number": number, "now": now})
    return number, now


def _no_commit_before(connection: Connection, ns: int) -> None:
    if _take_turn(connection).last_ns < ns:
        connection.execute(update(ledger_state).values(last_ns=ns))


def _end(connection: Connection, wanted: Commit, number: int, now: int) -> Sequence[RowMapping]:
    """Have what counts of a partition count no more; its rows."""
    values = {"ends_as": LOST if wanted.previous_is_lost else SUPERSEDED, "number": number, "now": now}
    return connection.execute(_ENDED, named(wanted.table, wanted.partition) | values).mappings().all()


def _list_file(connection: Connection, wanted: Commit) -> None:
    if wanted.file is not None:
        connection.execute(insert(files), file_moves.row_of(wanted.file))
    _note_types(connection, wanted.values["columns"], wanted.types)


def _note_types(connection: Connection, columns: str, types: Sequence[tuple[str, str]]) -> None:
    if connection.execute(_TYPES, {"of_columns": columns}).first() is None:
        connection.execute(insert(shapes).values(columns=columns, types=json.loads(json.dumps(list(types)))))


def _note_build(connection: Connection, revision: Revision, wanted: Commit) -> None:
    if wanted.seconds is None and wanted.configuration is None:
        return
    made = {"revision_id": revision.id, "run_id": revision.run_id, "made_ns": time.time_ns()}
    made |= {"seconds": wanted.seconds, "configuration": wanted.configuration}
    connection.execute(insert(builds), made)
