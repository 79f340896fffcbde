"""An S3 service on loopback: moto behind a gate that can hold requests back or refuse them."""

import os
import random
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import boto3
import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

KEY_ID, SECRET = "AKIAMADEUPFORTESTS", "made-up-secret-of-tests"
# No test ever meets the credentials of whoever runs it; processes of tests inherit these.
os.environ |= {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}
for _name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
    os.environ.pop(_name, None)

Environ = dict[str, Any]
Answer = tuple[str, bytes]
"""A status line and a body, instead of what the service would answer."""


@dataclass
class ObjectStore:
    """The service, with one bucket for the test.

    Attributes:
        gate: asked before each request: it may wait, or answer itself.
        asked: method and path of every request so far.
    """

    endpoint: str
    bucket: str = field(default_factory=lambda: f"test-{uuid4().hex[:12]}")
    gate: Callable[[Environ], Answer | None] = lambda _: None
    asked: list[str] = field(default_factory=list[str])
    closing: Event = field(default_factory=Event)

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/a/home"

    @property
    def client(self) -> Any:
        """boto3's, to look at the bucket from outside."""
        return boto3.client("s3", endpoint_url=self.endpoint)

    def listed(self) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return [each["Key"] for page in pages for each in page.get("Contents", ())]

    def unfinished(self) -> list[str]:
        found = self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])
        return [each["Key"] for each in found]

    def environment(self, machine: Path, ledger: str) -> dict[str, str]:
        """For a process whose home is `url` and ledger that URL's, on the machine with that folder."""
        names = {"HOME": self.url, "BUCKET_ENDPOINT": self.endpoint, "SCRATCH": str(machine)}
        names |= {"LEDGER_URL": ledger}
        return {f"MARKET_DATA_{name}": value for name, value in names.items()}


def part_number(environ: Environ) -> int:
    """Of the upload of a part; 0 for any other request."""
    return int(parse_qs(environ["QUERY_STRING"]).get("partNumber", ["0"])[0])


def holding_parts(store: ObjectStore, after: int) -> Callable[[Environ], Answer | None]:
    """A gate that lets so many parts of an upload through, and keeps the later ones waiting until the service ends."""

    def gate(environ: Environ) -> None:
        if part_number(environ) > after:
            store.closing.wait(60)

    return gate


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  its name in werkzeug
        pass


def _gated(store: ObjectStore) -> Callable[[Environ, Any], Iterable[bytes]]:
    moto: Any = DomainDispatcherApplication(create_backend_app)

    def answer(environ: Environ, start: Any) -> Iterable[bytes]:
        store.asked.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        instead = store.gate(environ)
        if instead is None:
            return moto(environ, start)
        status, body = instead
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start(status, [("Content-Length", str(len(body)))])
        return [body]

    return answer


def _server(store: ObjectStore) -> BaseWSGIServer:
    for port in random.sample(range(20_000, 32_000), 100):
        with suppress(OSError, SystemExit):
            return make_server("127.0.0.1", port, _gated(store), threaded=True, request_handler=_Quiet)
    raise RuntimeError("no free port from 20000 to 32000")


@contextmanager
def serving() -> Generator[ObjectStore]:
    """The service with an empty bucket, until the block ends."""
    store = ObjectStore("")
    server = _server(store)
    server.daemon_threads = True  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    store.endpoint = f"http://127.0.0.1:{server.port}"
    store.client.create_bucket(Bucket=store.bucket)
    try:
        yield store
    finally:
        store.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def object_store() -> Iterator[ObjectStore]:
    with serving() as store:
        yield store
