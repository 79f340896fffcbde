"""What loopback vendors that speak HTTP are made of: a server on a thread, a log of requests, faults on request.

What a vendor answers stands in its own module; what can go wrong, in `faults`.
"""

import re
import socket
import time
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from market_data_tests.ports import bound
from market_data_tests.vendors.faults import Answer, Fault, FaultyHandler


@dataclass
class Request:
    """One line of the log: what was asked, `at` when on the monotonic clock, and the `status` that was meant first.

    `target` is the path with its query, as it came; the names of the `headers` are in lower case.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""
    status: int = 0
    at: float = field(default_factory=time.monotonic)

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def form(self) -> dict[str, str]:
        """The fields of the query, or of a body that is a form."""
        return dict(parse_qsl(urlsplit(self.target).query or self.body.decode()))

    @property
    def range(self) -> str | None:
        """The part of a file that was asked for."""
        return self.headers.get("range")


class HttpServer:
    """The server: `with` it, it listens. `requests` is what it was asked; `fail` makes it misbehave."""

    scheme = "http"

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.closing = Event()
        self._due: list[_Due] = []
        self._lock = Lock()

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def answer(self, request: Request) -> Answer:
        """What the vendor answers while nothing fails."""
        raise NotImplementedError

    def endpoint(self, request: Request) -> str:
        """By whose end `fail` and `asked` know a request."""
        return request.path

    def fail(self, endpoint: str, fault: Fault, times: int = 1, skip: int = 0) -> None:
        """After `skip` good ones, the next `times` requests of an endpoint meet the fault; several take turns."""
        with self._lock:
            self._due.append(_Due(endpoint, fault, times, skip))

    def recover(self) -> None:
        """No fault is left."""
        with self._lock:
            self._due.clear()

    def asked(self, endpoint: str) -> list[Request]:
        """The requests of an endpoint so far."""
        with self._lock:
            return [request for request in self.requests if self.endpoint(request).endswith(endpoint)]

    def answered(self, request: Request) -> Answer:
        """What is answered, with the fault that is due; the log has it before it is sent."""
        answer = self.answer(request)
        if fault := self._next_fault(self.endpoint(request)):
            fault(answer)
        request.status = answer.status
        with self._lock:
            self.requests.append(request)
        return answer

    def listening(self, listener: socket.socket) -> socket.socket:
        """The socket to serve on, made of the one that listens."""
        return listener

    def _next_fault(self, endpoint: str) -> Fault | None:
        with self._lock:
            for due in self._due:
                if not endpoint.endswith(due.endpoint) or due.times == 0:
                    continue
                if due.skip == 0:
                    due.times -= 1
                    return due.fault
                due.skip -= 1
        return None

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"vendor": self, "closing": self.closing})
        self._server = bound(lambda port: _Server(("127.0.0.1", port), handler))
        self._server.socket = self.listening(self._server.socket)
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@dataclass
class _Due:
    endpoint: str
    fault: Fault
    times: int
    skip: int


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves early, or does not trust us, is no error here."""


class _Handler(FaultyHandler):
    vendor: HttpServer
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:  # noqa: N802  the standard library calls it so
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        answer = self.vendor.answered(Request(self.command, self.path, headers, body))
        if answer.status:
            self._send_head(answer)
        if answer.send:
            answer.send(self, answer.body)
        else:
            self.wfile.write(answer.body)

    do_POST = do_GET  # noqa: N815

    def _send_head(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in ({"Content-Length": str(len(answer.body))} | answer.headers).items():
            if value:
                self.send_header(name, value)
        if answer.headers.get("Content-Length") == "":
            self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing on standard error: `HttpServer.requests` is the log."""


def ranged(request: Request, content: bytes, etag: str = "") -> Answer:
    """A file, or the part of it that was asked for, unless that was of a file with another ETag."""
    headers = {"Accept-Ranges": "bytes"} | ({"ETag": etag} if etag else {})
    part = re.fullmatch(r"bytes=(\d+)-(\d*)", request.range or "")
    if part is None or request.headers.get("if-range", etag) != etag:
        return Answer(200, content, headers)
    first, size = int(part[1]), len(content)
    if first >= size:
        return Answer(416, b"", {"Content-Range": f"bytes */{size}"})
    last = int(part[2] or size - 1)
    return Answer(206, content[first : last + 1], headers | {"Content-Range": f"bytes {first}-{last}/{size}"})
