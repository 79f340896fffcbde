"""A loopback stretch of wire before a PostgreSQL server that can be cut at one COMMIT: before, after or under it."""

import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Literal

from sqlalchemy import make_url

from market_data_tests.ports import free_port

Cut = Literal["lost", "untold", "late", "half"]
"""The COMMIT never arrives; it does, and its answer never comes back; it arrives after the client was cut off; it never
arrives, and the server does not know that the client is gone."""
_COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
_LATE_SECONDS = 1.5


class Wire:
    """Forwards every connection. `cut_next` ends the one on which the next COMMIT comes by."""

    def __init__(self, server: str) -> None:
        url = make_url(server)
        self._server = (url.host or "", url.port or 0)
        self._listener = socket.create_server(("127.0.0.1", free_port()))
        self.url = url.set(port=self._listener.getsockname()[1]).render_as_string(hide_password=False)
        self.cuts = 0
        self._next: Cut | None = None
        self._kept: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_next(self, cut: Cut) -> None:
        """At the next COMMIT."""
        self._next = cut

    def close(self) -> None:
        """Take no more connections, and let go of those that were kept."""
        self._listener.close()
        for kept in self._kept:
            kept.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                threading.Thread(target=self._upwards, args=(client, server), daemon=True).start()
                threading.Thread(target=self._downwards, args=(client, server), daemon=True).start()

    def _upwards(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError), server, client:
            while sent := client.recv(65536):
                if self._next is not None and sent == _COMMIT:
                    cut, self._next = self._next, None
                    self.cuts += 1
                    self._cut(cut, client, server)
                    return
                server.sendall(sent)
            server.shutdown(socket.SHUT_RDWR)

    def _cut(self, cut: Cut, client: socket.socket, server: socket.socket) -> None:
        client.shutdown(socket.SHUT_RDWR)
        if cut == "half":
            self._kept.append(server.dup())
            return
        if cut != "lost":
            time.sleep(_LATE_SECONDS if cut == "late" else 0)
            server.sendall(_COMMIT)
            time.sleep(0.1)
        server.shutdown(socket.SHUT_RDWR)  # closing it is not enough while the other thread reads from it

    def _downwards(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while told := server.recv(65536):
                client.sendall(told)
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


@contextmanager
def wire(server: str) -> Generator[Wire]:
    """A wire to the database of that URL."""
    opened = Wire(server)
    try:
        yield opened
    finally:
        opened.close()
