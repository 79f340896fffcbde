"""The PostgreSQL server of tests: what was committed outlasts it, and nothing of it outlasts the tests."""

import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from sqlalchemy import NullPool, create_engine, make_url, text

from market_data_tests.databases import postgres
from market_data_tests.ui.dev import until

VICTIM = """
import os, signal
from market_data_tests.databases import Server
server = Server()
print(server.url(), server._folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_committed_is_there_after_a_stop_and_after_a_crash() -> None:
    with postgres() as server:
        engine = create_engine(server.create("one"), poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE numbers (n int)"))
        for crash in (False, True):
            with engine.begin() as connection:
                connection.execute(text("INSERT INTO numbers VALUES (1)"))
            (server.kill if crash else server.stop)()
            server.start()
        with engine.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM numbers")).scalar_one() == 2


def test_a_server_and_its_files_end_with_a_process_that_is_killed() -> None:
    done = subprocess.run([sys.executable, "-c", VICTIM], check=False, capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    url, folder = done.stdout.split()
    until(lambda: not Path(folder).exists())
    with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", make_url(url).port or 0)):
        raise AssertionError("it still listens")
