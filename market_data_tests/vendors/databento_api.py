"""Databento's historical API on loopback: a real HTTPS server that speaks what the real client asks, with faults.

`with DatabentoApi(folder) as api: api.gateway, api.ca_file`, or the fixture `databento_api`. The requests' forms are
read off the client's own source (`databento/historical/api`).
"""

import base64
import datetime as dt
import json
import random
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from market_data_tests.vendors import databento_jobs as batch
from market_data_tests.vendors.databento_jobs import DETAILS, DOWNLOAD, FILES, JOBS, SUBMIT, Jobs, part_of
from market_data_tests.vendors.databento_symbology import Symbology
from market_data_tests.vendors.faults import Answer, Fault, FaultyHandler

KEY = "db-loopback0key0of0no0account000"
COUNT = "metadata.get_record_count"
COST = "metadata.get_cost"
SIZE = "metadata.get_billable_size"
CONDITION = "metadata.get_dataset_condition"
RESOLVE = "symbology.resolve"
STREAM = "timeseries.get_range"


@dataclass(frozen=True)
class Seen:
    """One line of the request log.

    `form` is the body's or the query's, `status` what was answered first, `at` when, on the monotonic clock; `range` is
    the part of a file that was asked for.
    """

    method: str
    endpoint: str
    form: dict[str, str]
    status: int
    range: str | None = None
    at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class Offer:
    """A file that is for sale.

    `records` is what the vendor counts, which may differ from what is in it; it is billed for `size_bytes`, else for
    the file's own.
    """

    content: bytes
    records: int
    cost_usd: float = 0.01
    size_bytes: int | None = None


def status(code: int, message: str = "no", **headers: str) -> Fault:
    """Answers with that status and Databento's form of it; `retry_after="1"` and the like become headers."""

    def fault(answer: Answer) -> None:
        detail = {"case": "a_case", "message": message, "status_code": code, "docs": "", "payload": {}}
        answer.status, answer.body = code, json.dumps({"detail": detail}).encode()
        answer.headers = {name.replace("_", "-").title(): value for name, value in headers.items()}

    return fault


def wrong_hash(answer: Answer) -> None:
    """For a list of a job's files: another SHA-256 for each."""
    files = json.loads(answer.body)
    answer.body = json.dumps([{**file, "hash": f"sha256:{'0' * 64}"} for file in files]).encode()


def wrong_count(by: int = 1) -> Fault:
    """For a record count: so many more than there are."""

    def fault(answer: Answer) -> None:
        answer.body = str(int(answer.body) + by).encode()

    return fault


class DatabentoApi:
    """The server. `requests` is what it was asked; `offer` gives it data; `fail` makes it misbehave.

    Args:
        folder: where the certificate of its own authority is put.
    """

    def __init__(self, folder: Path) -> None:
        self.ca_file = folder / "authority.pem"
        self.requests: list[Seen] = []
        self.conditions: dict[str, str] = {}
        self.ends = "2030-01-01T00:00:00.000000000Z"
        self.symbology = Symbology()
        self.jobs = Jobs()
        self.closing = Event()
        self._offers: dict[tuple[str, str, str, str], Offer] = {}
        self._faults: list[tuple[str, Fault, int]] = []
        self._lock = Lock()

    @property
    def gateway(self) -> str:
        """Where it listens."""
        return f"https://127.0.0.1:{self._server.server_port}"

    def offer(self, schema: str, symbol: str, day: dt.date, offer: Offer, dataset: str = "GLBX.MDP3") -> None:
        """Have data for sale."""
        self._offers[dataset, schema, symbol, day.isoformat()] = offer

    def offered(self, form: dict[str, str]) -> list[Offer]:
        """What is for sale of what a form asks for, day by day."""
        first, end = (dt.date.fromisoformat(form[name][:10]) for name in ("start", "end"))
        days = [(first + dt.timedelta(days=n)).isoformat() for n in range((end - first).days)]
        keys = [(form["dataset"], form["schema"], form["symbols"], day) for day in days]
        return [self._offers[key] for key in keys if key in self._offers]

    def fail(self, endpoint: str, fault: Fault, times: int = 1) -> None:
        """The next `times` requests of an endpoint meet the fault; several faults take turns."""
        with self._lock:
            self._faults.append((endpoint, fault, times))

    def recover(self) -> None:
        """No fault is left."""
        with self._lock:
            self._faults.clear()

    def asked(self, endpoint: str) -> list[Seen]:
        """The requests of an endpoint so far."""
        with self._lock:
            return [seen for seen in self.requests if seen.endpoint == endpoint]

    def next_fault(self, endpoint: str) -> Fault | None:
        """Takes a fault that is due for an endpoint."""
        with self._lock:
            for index, (name, fault, times) in enumerate(self._faults):
                if name == endpoint and times > 0:
                    self._faults[index] = (name, fault, times - 1)
                    return fault
        return None

    def log(self, seen: Seen) -> None:
        """One more request."""
        with self._lock:
            self.requests.append(seen)

    def __enter__(self) -> Self:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca_file))
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(tls)
        self._server = _listening(self)
        # The handshake is the handler's thread's: a client that stalls in it stops nobody else.
        self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
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
        """A client that leaves early, or does not trust us, is no error here."""


def _listening(api: DatabentoApi) -> _Server:
    handler = type("Handler", (_Handler,), {"api": api})
    for port in random.sample(range(20_000, 32_000), 100):
        with suppress(OSError):
            return _Server(("127.0.0.1", port), handler)
    raise RuntimeError("no free port from 20000 to 32000")


class _Handler(FaultyHandler):
    api: DatabentoApi
    protocol_version = "HTTP/1.1"
    timeout = 60

    @property
    def closing(self) -> Event:
        return self.api.closing

    def do_GET(self) -> None:  # noqa: N802  the standard library calls it so
        self._serve(urlsplit(self.path).query)

    def do_POST(self) -> None:  # noqa: N802  the standard library calls it so
        self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

    def _serve(self, text: str) -> None:
        form = {name: values[0] for name, values in parse_qs(text).items()}
        endpoint = urlsplit(self.path).path.removeprefix("/v0/")
        if endpoint.startswith("batch/download/"):
            endpoint, form = DOWNLOAD, {"path": endpoint.removeprefix("batch/download/")}
        answer = self._answer(endpoint, form)
        if answer.status in (200, 206) and (fault := self.api.next_fault(endpoint)):
            fault(answer)
        self.api.log(Seen(self.command, endpoint, form, answer.status, self.headers.get("Range")))
        self.send_response(answer.status)
        for name, value in ({"Content-Length": str(len(answer.body))} | answer.headers).items():
            if value:
                self.send_header(name, value)
        if answer.headers.get("Content-Length") == "":
            self.send_header("Connection", "close")
        self.end_headers()
        (answer.send or _send)(self, answer.body)

    def _answer(self, endpoint: str, form: dict[str, str]) -> Answer:
        credentials = base64.b64encode(f"{KEY}:".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {credentials}":
            return _refused(401, "auth_authentication_failed", "Authentication failed.")
        if endpoint in (COUNT, COST, SIZE, STREAM, SUBMIT):
            return self._of_an_offer(endpoint, form)
        if endpoint in (DETAILS, JOBS, FILES, DOWNLOAD):
            return self._of_a_job(endpoint, form)
        answers = {"metadata.get_dataset_range": self._range, CONDITION: self._conditions, RESOLVE: self._resolved}
        return answers[endpoint](form) if endpoint in answers else _refused(404, "not_found", f"no {endpoint}")

    def _range(self, _: dict[str, str]) -> Answer:
        span = {"start": "2010-06-06T00:00:00.000000000Z", "end": self.api.ends}
        return _json({**span, "schema": {"trades": span}})

    def _resolved(self, form: dict[str, str]) -> Answer:
        resolved = self.api.symbology.resolved(form)
        return _json(resolved) if resolved else _refused(422, "symbology_invalid_request", "no such combination")

    def _conditions(self, form: dict[str, str]) -> Answer:
        first, last = (dt.date.fromisoformat(form[name]) for name in ("start_date", "end_date"))
        days = [(first + dt.timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]
        said = {day: self.api.conditions.get(day, "available") for day in days}
        return _json(
            [
                {
                    "date": day,
                    "condition": condition,
                    "last_modified_date": None if condition == "missing" else "2024-02-01",
                }
                for day, condition in said.items()
            ]
        )

    def _of_an_offer(self, endpoint: str, form: dict[str, str]) -> Answer:
        offers = self.api.offered(form)
        if not offers:
            return _refused(422, "symbology_invalid_request", "None of the symbols could be resolved")
        if endpoint == COUNT:
            return _json(sum(offer.records for offer in offers))
        if endpoint == COST:
            return _json(sum(offer.cost_usd for offer in offers))
        if endpoint == SIZE:
            return _json(sum(len(offer.content) if offer.size_bytes is None else offer.size_bytes for offer in offers))
        if endpoint == SUBMIT:
            return _json(self.api.jobs.order(form, offers[0].content))
        condition = self.api.conditions.get(form["start"])
        said = [f"Warning: The streaming request contained a day of reduced quality: {form['start']} ({condition})."]
        return Answer(200, offers[0].content, {"X-Warning": json.dumps(said)} if condition else {})

    def _of_a_job(self, endpoint: str, form: dict[str, str]) -> Answer:
        if endpoint == JOBS:
            return _json(self.api.jobs.since(form))
        user, name, file = form["path"].split("/") if "path" in form else (batch.USER, form["job_id"], "")
        job = self.api.jobs.named(name)
        if job is None or user != batch.USER:
            return _refused(404, "batch_job_not_found", f"no job {name}")
        if endpoint == DETAILS:
            return _json(self.api.jobs.looked_at(job))
        if endpoint == FILES:
            return _json(job.listed(self.api.gateway))
        if file not in job.files:
            return _refused(404, "batch_file_not_found", f"no file {file}")
        return part_of(job.files[file], self.headers.get("Range"))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing on standard error: `DatabentoApi.requests` is the log."""


def _json(content: object) -> Answer:
    return Answer(200, json.dumps(content).encode(), {"Content-Type": "application/json"})


def _refused(code: int, case: str, message: str) -> Answer:
    detail = {"case": case, "message": message, "status_code": code, "docs": "", "payload": {}}
    return Answer(code, json.dumps({"detail": detail}).encode(), {"Content-Type": "application/json"})


def _send(handler: _Handler, content: bytes) -> None:
    handler.wfile.write(content)


@pytest.fixture
def databento_api(tmp_path: Path) -> Iterator[DatabentoApi]:
    """An API that has nothing for sale yet."""
    with DatabentoApi(tmp_path) as api:
        yield api
