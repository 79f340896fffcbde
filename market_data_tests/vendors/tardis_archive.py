"""Tardis on loopback: a real HTTP server over a folder in the archive's layout, and its API beside it, with faults.

`with TardisArchive(root) as archive: archive.base_url`, or the fixture `tardis_archive` over an empty folder. As at
Tardis, a key is wanted for all but the first day of a month, and `x-md5` is of something else.
"""

import hashlib
import json
import random
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import pytest

from market_data_tests.vendors.faults import Answer, Fault, FaultyHandler

KEY = "TD.made-up-key-of-the-tests"


@dataclass(frozen=True)
class Seen:
    """One line of the request log: the path with its query, the headers that matter, and the status."""

    path: str
    range: str | None
    authorization: str | None
    encoding: str | None
    status: int


class TardisArchive:
    """The server. `requests` is what it was asked; `fail` makes it misbehave.

    Args:
        root: the folder that holds `v1/<exchange>/...` and the API's answers in `api`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.requests: list[Seen] = []
        self.closing = Event()
        self.etags = True
        self._faults: list[tuple[str, Fault]] = []
        self._lock = Lock()

    @property
    def base_url(self) -> str:
        """Where it listens, the data sets and the API alike."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def fail(self, path: str, *faults: Fault) -> None:
        """Each of the next requests whose path has `path` in it meets one of the faults, in their order."""
        with self._lock:
            self._faults += [(path, fault) for fault in faults]

    def heal(self) -> None:
        """No fault is left."""
        with self._lock:
            self._faults.clear()

    def next_fault(self, path: str) -> Fault | None:
        """Takes a fault that is due for a path."""
        with self._lock:
            for index, (part, fault) in enumerate(self._faults):
                if part in path:
                    del self._faults[index]
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


def _listening(archive: TardisArchive) -> _Server:
    handler = type("Handler", (_Handler,), {"archive": archive})
    for port in random.sample(range(20_000, 32_000), 100):
        with suppress(OSError):
            return _Server(("127.0.0.1", port), handler)
    raise RuntimeError("no free port from 20000 to 32000")


class _Handler(FaultyHandler):
    archive: TardisArchive
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
            asked, key, encoding = (self.headers.get(name) for name in ("Range", "Authorization", "Accept-Encoding"))
            self.archive.requests.append(Seen(self.path, asked, key, encoding, answer.status))
        self.send_response(answer.status)
        for name, value in ({"Content-Length": str(len(answer.body))} | answer.headers).items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        (answer.send or _send)(self, answer.body)

    def _answer(self) -> Answer:
        parts = urlsplit(self.path).path.split("/")
        if not self._may(parts):
            return _refusal(401, "Provided API key is not valid, or none was provided.")
        if parts[2] in ("instruments", "exchanges"):
            return self._api("/".join(unquote(part) for part in parts[2:]), parts[2:])
        file = (self.archive.root / unquote(self.path).lstrip("/")).resolve()
        if not file.is_relative_to(self.archive.root.resolve()) or not file.is_file():
            return _refusal(404, "Not found.")
        return self._ranged(file.read_bytes())

    def _may(self, parts: list[str]) -> bool:
        given = self.headers.get("Authorization")
        if given is not None:
            return given == f"Bearer {KEY}"
        free = parts[2] == "exchanges" or parts[2:4] == ["instruments", "bitmex"]
        return free or (len(parts) > 6 and parts[6] == "01")

    def _api(self, name: str, parts: list[str]) -> Answer:
        file = self.archive.root / "api" / f"{name}.json"
        if not file.is_file():
            return _refusal(404, f"There is no {parts[-1]}.")
        return Answer(200, file.read_bytes(), {"Content-Type": "application/json"})

    def _ranged(self, content: bytes) -> Answer:
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        headers = {"Content-Type": "text/csv", "Content-Encoding": "gzip", "x-md5": hashlib.md5(b"else").hexdigest()}  # noqa: S324
        if self.archive.etags:
            headers |= {"ETag": etag, "Accept-Ranges": "bytes"}
        start = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if start is None or self.headers.get("If-Range", etag) != etag:
            return Answer(200, content, headers)
        first, size = int(start[1]), len(content)
        if first >= size:
            return Answer(416, b"", {"Content-Range": f"bytes */{size}"})
        return Answer(206, content[first:], headers | {"Content-Range": f"bytes {first}-{size - 1}/{size}"})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing on standard error: `TardisArchive.requests` is the log."""


def status(code: int, **headers: str) -> Fault:
    """Answers with that status; `retry_after="1"` and the like become headers."""

    def fault(answer: Answer) -> None:
        refused = _refusal(code, "no")
        answer.status, answer.body = code, refused.body
        answer.headers = {name.replace("_", "-").title(): value for name, value in headers.items()}

    return fault


def _refusal(code: int, words: str) -> Answer:
    return Answer(code, json.dumps({"code": code, "message": words}).encode(), {"Content-Type": "application/json"})


def _send(handler: FaultyHandler, content: bytes) -> None:
    handler.wfile.write(content)


@pytest.fixture
def tardis_archive(tmp_path: Path) -> Iterator[TardisArchive]:
    """An archive over an empty folder; `tardis_files` fills it."""
    root = tmp_path / "archive"
    root.mkdir()
    with TardisArchive(root) as archive:
        yield archive
