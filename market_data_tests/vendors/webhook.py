"""A webhook on loopback: a real HTTP server that keeps what it is told, says no, or says nothing.

`with Webhook() as hook: hook.url`, or the fixture `webhook`.
"""

import json
import random
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, Self

import pytest
from pydantic import SecretStr

PASSWORD, PATH = "hunter2-password", "T0SECRET/B0SECRET"


class Webhook:
    """The server. `told` is what it took; the next requests are answered with the `refusals` (0: not at all)."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.asked = 0
        self.refusals: list[int] = []
        self.closing = Event()
        self.lock = Lock()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.server_port

    @property
    def url(self) -> SecretStr:
        """Its address, as apprise writes it."""
        return SecretStr(f"json://robot:{PASSWORD}@127.0.0.1:{self.port}/{PATH}")

    @property
    def titles(self) -> list[str]:
        """Of what it was told."""
        return [each["title"] for each in self.told]

    def __enter__(self) -> Self:
        self._server = _listening(self)
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _listening(hook: Webhook) -> ThreadingHTTPServer:
    handler = type("Handler", (_Handler,), {"hook": hook})
    for port in random.sample(range(20_000, 32_000), 100):
        with suppress(OSError):
            return ThreadingHTTPServer(("127.0.0.1", port), handler)
    raise RuntimeError("no free port from 20000 to 32000")


class _Handler(BaseHTTPRequestHandler):
    hook: Webhook
    timeout = 60

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.hook.lock:
            self.hook.asked += 1
            status = self.hook.refusals.pop(0) if self.hook.refusals else 200
            if status == 200:
                self.hook.told.append(body)
        if not status:
            self.hook.closing.wait(60)
            return
        self.send_response(status)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing on standard error: `Webhook.told` is the log."""


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    """A webhook that takes everything."""
    with Webhook() as hook:
        yield hook
