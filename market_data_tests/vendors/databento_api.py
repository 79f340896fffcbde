"""Databento's historical API on loopback: a real HTTPS server that speaks what the real client asks, with faults.

`with DatabentoApi(folder) as api: api.gateway, api.ca_file`, or the fixture `databento_api`. The requests' forms are
read off the client's own source (`databento/historical/api`).
"""

import base64
import datetime as dt
import json
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from market_data_tests.vendors import databento_jobs as batch
from market_data_tests.vendors import faults
from market_data_tests.vendors.databento_jobs import DETAILS, DOWNLOAD, FILES, JOBS, SUBMIT, Jobs
from market_data_tests.vendors.databento_symbology import Symbology
from market_data_tests.vendors.faults import Answer, Fault
from market_data_tests.vendors.http_server import HttpServer, Request, ranged

KEY = "db-loopback0key0of0no0account000"
COUNT = "metadata.get_record_count"
COST = "metadata.get_cost"
SIZE = "metadata.get_billable_size"
CONDITION = "metadata.get_dataset_condition"
RESOLVE = "symbology.resolve"
STREAM = "timeseries.get_range"
DOWNLOADS = "batch/download/"


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
    """Answers with that status and Databento's form of it."""
    return faults.status(code, _refused(code, "a_case", message).body, **headers)


def wrong_hash(answer: Answer) -> None:
    """For a list of a job's files: another SHA-256 for each."""
    files = json.loads(answer.body)
    answer.body = json.dumps([{**file, "hash": f"sha256:{'0' * 64}"} for file in files]).encode()


def wrong_count(by: int = 1) -> Fault:
    """For a record count: so many more than there are."""

    def fault(answer: Answer) -> None:
        answer.body = str(int(answer.body) + by).encode()

    return fault


class DatabentoApi(HttpServer):
    """The server. `offer` gives it data for sale.

    Args:
        folder: where the certificate of its own authority is put.
    """

    scheme = "https"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.ca_file = folder / "authority.pem"
        self.conditions: dict[str, str] = {}
        self.ends = "2030-01-01T00:00:00.000000000Z"
        self.symbology = Symbology()
        self.jobs = Jobs()
        self._offers: dict[tuple[str, str, str, str], Offer] = {}

    @property
    def gateway(self) -> str:
        """Where it listens, as the client calls it."""
        return self.base_url

    def offer(self, schema: str, symbol: str, day: dt.date, offer: Offer, dataset: str = "GLBX.MDP3") -> None:
        """Have data for sale."""
        self._offers[dataset, schema, symbol, day.isoformat()] = offer

    def offered(self, form: dict[str, str]) -> list[Offer]:
        """What is for sale of what a form asks for, day by day."""
        first, end = (dt.date.fromisoformat(form[name][:10]) for name in ("start", "end"))
        days = [(first + dt.timedelta(days=n)).isoformat() for n in range((end - first).days)]
        keys = [(form["dataset"], form["schema"], form["symbols"], day) for day in days]
        return [self._offers[key] for key in keys if key in self._offers]

    def endpoint(self, request: Request) -> str:
        """As the client's own methods are called; all downloads are one."""
        name = request.path.removeprefix("/v0/")
        return DOWNLOAD if name.startswith(DOWNLOADS) else name

    def listening(self, listener: socket.socket) -> socket.socket:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca_file))
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(tls)
        # The handshake is the handler's thread's: a client that stalls in it stops nobody else.
        return tls.wrap_socket(listener, server_side=True, do_handshake_on_connect=False)

    def answer(self, request: Request) -> Answer:
        credentials = base64.b64encode(f"{KEY}:".encode()).decode()
        if request.headers.get("authorization") != f"Basic {credentials}":
            return _refused(401, "auth_authentication_failed", "Authentication failed.")
        endpoint, form = self.endpoint(request), request.form
        if endpoint == DOWNLOAD:
            return self._download(request)
        if endpoint in (COUNT, COST, SIZE, STREAM, SUBMIT):
            return self._of_an_offer(endpoint, form)
        if endpoint in (DETAILS, FILES):
            return self._of_a_job(endpoint, form)
        answers = {
            "metadata.get_dataset_range": self._range,
            CONDITION: self._conditions,
            RESOLVE: self._resolved,
            JOBS: lambda form: _json(self.jobs.since(form)),
        }
        return answers[endpoint](form) if endpoint in answers else _refused(404, "not_found", f"no {endpoint}")

    def _range(self, _: dict[str, str]) -> Answer:
        span = {"start": "2010-06-06T00:00:00.000000000Z", "end": self.ends}
        return _json({**span, "schema": {"trades": span}})

    def _resolved(self, form: dict[str, str]) -> Answer:
        resolved = self.symbology.resolved(form)
        return _json(resolved) if resolved else _refused(422, "symbology_invalid_request", "no such combination")

    def _conditions(self, form: dict[str, str]) -> Answer:
        first, last = (dt.date.fromisoformat(form[name]) for name in ("start_date", "end_date"))
        days = [(first + dt.timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]
        said = {day: self.conditions.get(day, "available") for day in days}
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
        offers = self.offered(form)
        if not offers:
            return _refused(422, "symbology_invalid_request", "None of the symbols could be resolved")
        if endpoint == COUNT:
            return _json(sum(offer.records for offer in offers))
        if endpoint == COST:
            return _json(sum(offer.cost_usd for offer in offers))
        if endpoint == SIZE:
            return _json(sum(len(offer.content) if offer.size_bytes is None else offer.size_bytes for offer in offers))
        if endpoint == SUBMIT:
            return _json(self.jobs.order(form, offers[0].content))
        condition = self.conditions.get(form["start"])
        said = [f"Warning: The streaming request contained a day of reduced quality: {form['start']} ({condition})."]
        return Answer(200, offers[0].content, {"X-Warning": json.dumps(said)} if condition else {})

    def _of_a_job(self, endpoint: str, form: dict[str, str]) -> Answer:
        job = self.jobs.named(form["job_id"])
        if job is None:
            return _refused(404, "batch_job_not_found", f"no job {form['job_id']}")
        return _json(self.jobs.looked_at(job) if endpoint == DETAILS else job.listed(self.gateway))

    def _download(self, request: Request) -> Answer:
        user, name, file = request.path.partition(DOWNLOADS)[2].split("/")
        job = self.jobs.named(name) if user == batch.USER else None
        if job is None or file not in job.files:
            return _refused(404, "batch_file_not_found", f"no file {file} of {name}")
        answer = ranged(request, job.files[file])
        answer.headers["Content-Type"] = "application/octet-stream"
        return answer


def _json(content: object) -> Answer:
    return Answer(200, json.dumps(content).encode(), {"Content-Type": "application/json"})


def _refused(code: int, case: str, message: str) -> Answer:
    detail = {"case": case, "message": message, "status_code": code, "docs": "", "payload": {}}
    return Answer(code, json.dumps({"detail": detail}).encode(), {"Content-Type": "application/json"})


@pytest.fixture
def databento_api(tmp_path: Path) -> Iterator[DatabentoApi]:
    """An API that has nothing for sale yet."""
    with DatabentoApi(tmp_path) as api:
        yield api
