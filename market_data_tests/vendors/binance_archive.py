"""Binance's public archive on loopback: a real HTTP server over a folder in the archive's layout, with faults.

`with BinanceArchive(root) as archive: archive.base_url`, or the fixture `binance_archive` over an empty folder.
"""

import hashlib
import random
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Self

import pytest

from market_data_tests.vendors.faults import Answer, Fault, FaultyHandler


@dataclass(frozen=True)
class Seen:
    """One line of the request log. `range` is the header's text; `status` what was answered first."""

    method: str
    path: str
    range: str | None
    status: int


def status(code: int, **headers: str) -> Fault:
    """Answers with that status; `retry_after="1"` and the like become headers."""

    def fault(answer: Answer) -> None:
        answer.status, answer.body = code, b"<html>no</html>"
        answer.headers = {name.replace("_", "-").title(): value for name, value in headers.items()}

    return fault


def wrong_checksum() -> Fault:
    """For a `.CHECKSUM`: the hash of something else."""

    def fault(answer: Answer) -> None:
        answer.body = hashlib.sha256(b"something else").hexdigest().encode() + answer.body[64:]

    return fault


def drop_header(name: str) -> Fault:
    """Leaves out a header, such as `ETag`."""

    def fault(answer: Answer) -> None:
        answer.headers.pop(name, None)

    return fault


class BinanceArchive:
    """The server. `requests` is what it was asked; `fail` makes it misbehave.

    Args:
        root: the folder that holds `data/spot/daily/...`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.requests: list[Seen] = []
        self.closing = Event()
        self._faults: list[tuple[str, Fault, int]] = []
        self._lock = Lock()

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def fail(self, path: str, fault: Fault, times: int = 1) -> None:
        """The next `times` requests whose path ends with `path` meet the fault; several faults take turns."""
        with self._lock:
            self._faults.append((path, fault, times))

    def asked(self, path: str) -> list[Seen]:
        """The requests so far whose path ends with `path`."""
        with self._lock:
            return [seen for seen in self.requests if seen.path.endswith(path)]

    def next_fault(self, path: str) -> Fault | None:
        """Takes a fault that is due for a path."""
        with self._lock:
            for index, (suffix, fault, times) in enumerate(self._faults):
                if path.endswith(suffix) and times > 0:
                    self._faults[index] = (suffix, fault, times - 1)
                    return fault
        return None

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


def _listening(archive: BinanceArchive) -> _Server:
    handler = type("Handler", (_Handler,), {"archive": archive})
    for port in random.sample(range(20_000, 32_000), 100):
        with suppress(OSError):
            return _Server(("127.0.0.1", port), handler)
    raise RuntimeError("no free port from 20000 to 32000")


class _Handler(FaultyHandler):
    archive: BinanceArchive
    protocol_version = "HTTP/1.1"
    timeout = 60

    @property
    def closing(self) -> Event:
        return self.archive.closing

    def do_GET(self) -> None:  # noqa: N802  the standard library calls it so
        answer = self._answer()
        if fault := self.archive.next_fault(self.path):
            fault(answer)
        with self.archive._lock:
            self.archive.requests.append(Seen(self.command, self.path, self.headers.get("Range"), answer.status))
        self.send_response(answer.status)
        for name, value in ({"Content-Length": str(len(answer.body))} | answer.headers).items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        (answer.send or _send)(self, answer.body)

    def _answer(self) -> Answer:
        root = self.archive.root.resolve()
        file = (root / self.path.lstrip("/")).resolve()
        if not file.is_relative_to(root) or not file.is_file():
            return Answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        content = file.read_bytes()
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        headers = {"ETag": etag, "Accept-Ranges": "bytes"}
        start = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if start is None or self.headers.get("If-Range", etag) != etag:
            return Answer(200, content, headers)
        first, size = int(start[1]), len(content)
        if first >= size:
            return Answer(416, b"", {"Content-Range": f"bytes */{size}"})
        return Answer(206, content[first:], headers | {"Content-Range": f"bytes {first}-{size - 1}/{size}"})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing on standard error: `BinanceArchive.requests` is the log."""


def _send(handler: _Handler, content: bytes) -> None:
    handler.wfile.write(content)


@pytest.fixture
def binance_archive(tmp_path: Path) -> Iterator[BinanceArchive]:
    """An archive over an empty folder; `binance_files` fills it."""
    root = tmp_path / "archive"
    root.mkdir()
    with BinanceArchive(root) as archive:
        yield archive
