"""An exchange on loopback that CCXT's real client speaks to: a real HTTP server in four dialects, with faults.

`with CcxtExchange(truth) as exchange: exchange.base_url`, or the fixture `ccxt_exchange`. What it answers stands in
`ccxt_dialects`.
"""

import json
import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import pytest

from market_data.domain.time import NS_PER_MINUTE, day_bounds
from market_data_tests.sources.ccxt_case import DAY
from market_data_tests.vendors.ccxt_dialects import Market, answer
from market_data_tests.vendors.ccxt_truth import Truth, truth
from market_data_tests.vendors.faults import Answer, Fault, FaultyHandler


@dataclass(frozen=True)
class Seen:
    """One line of the request log. `headers` in lower case; `status` is what was answered first."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    status: int


@dataclass
class _Due:
    endpoint: str
    fault: Fault
    skip: int
    times: int


def status(code: int, content: str = '{"code": -1, "msg": "no"}', **headers: str) -> Fault:
    """Answers with that status; `retry_after="1"` and the like become headers."""

    def fault(answer: Answer) -> None:
        answer.status, answer.body = code, content.encode()
        answer.headers |= {name.replace("_", "-").title(): value for name, value in headers.items()}

    return fault


def html(answer: Answer) -> None:
    """A proxy's page, with status 200."""
    answer.status, answer.body = 200, b"<!DOCTYPE html><html><body>Just a moment...</body></html>"
    answer.headers = {"Content-Type": "text/html"}


class CcxtExchange:
    """The server. `requests` is what it was asked; `fail` makes it misbehave.

    Args:
        traded: what was traded; its clock stands ten minutes after the day.
    """

    def __init__(self, traded: Truth) -> None:
        self.market = Market(traded, day_bounds(traded.day)[1] + 10 * NS_PER_MINUTE)
        self.requests: list[Seen] = []
        self.closing = Event()
        self._due: list[_Due] = []
        self._said: dict[str, bytes] = {}
        self._lock = Lock()

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def fail(self, endpoint: str, fault: Fault, times: int = 1, skip: int = 0) -> None:
        """After `skip` good ones, the next `times` requests whose path ends with `endpoint` meet the fault."""
        with self._lock:
            self._due.append(_Due(endpoint, fault, skip, times))

    def recover(self) -> None:
        """No fault is left, and nothing that could be said once more."""
        with self._lock:
            self._due.clear()
            self._said.clear()

    def repeated(self, endpoint: str) -> Fault:
        """A fault: what the endpoint said before comes once more."""

        def fault(answer: Answer) -> None:
            answer.body = self._said.get(endpoint, answer.body)

        return fault

    def asked(self, endpoint: str) -> list[Seen]:
        """The requests so far whose path ends with `endpoint`."""
        with self._lock:
            return [seen for seen in self.requests if seen.path.endswith(endpoint)]

    def answered(self, path: str, query: dict[str, str], headers: dict[str, str]) -> Answer:
        """What is answered, with the faults that are due."""
        made = answer(self.market, path, query)
        good = made.body
        with self._lock:
            for due in self._due:
                if path.endswith(due.endpoint) and due.times > 0:
                    if due.skip:
                        due.skip -= 1
                        continue
                    due.times -= 1
                    due.fault(made)
                    break
            self._said[path.rpartition("/")[2]] = good
            self.requests.append(Seen(path, query, headers, made.status))
        return made

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


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves early is no error here."""


def _listening(exchange: CcxtExchange) -> _Server:
    handler = type("Handler", (_Handler,), {"exchange": exchange})
    for port in random.sample(range(20_000, 32_000), 100):
        with suppress(OSError):
            return _Server(("127.0.0.1", port), handler)
    raise RuntimeError("no free port from 20000 to 32000")


class _Handler(FaultyHandler):
    exchange: CcxtExchange
    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together

    @property
    def closing(self) -> Event:
        return self.exchange.closing

    def do_GET(self) -> None:  # noqa: N802  the standard library calls it so
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        made = self.exchange.answered(parts.path, dict(parse_qsl(parts.query)), headers)
        self.send_response(made.status)
        for name, value in ({"Content-Length": str(len(made.body))} | made.headers).items():
            if value:
                self.send_header(name, value)
        if made.headers.get("Content-Length") == "":
            self.send_header("Connection", "close")
        self.end_headers()
        (made.send or _send)(self, made.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing on standard error: `CcxtExchange.requests` is the log."""


def _send(handler: _Handler, content: bytes) -> None:
    handler.wfile.write(content)


def serve(day: str, count: int, seed: int) -> None:
    """An exchange in a process of its own, which prints where it listens and stays until its input ends."""
    import datetime as dt
    import sys

    with CcxtExchange(truth(dt.date.fromisoformat(day), count, seed)) as exchange:
        print(json.dumps(exchange.base_url), flush=True)
        sys.stdin.read()


@pytest.fixture
def ccxt_exchange() -> Iterator[CcxtExchange]:
    """An exchange with a small day of trades."""
    with CcxtExchange(truth(DAY, 2_500)) as exchange:
        yield exchange


if __name__ == "__main__":
    import sys

    serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
