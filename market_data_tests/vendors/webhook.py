"""A webhook on loopback: a real HTTP server that keeps what it is told, says no, or says nothing.

`with Webhook() as hook: hook.url`, or the fixture `webhook`.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from market_data_tests.vendors.faults import Answer, stall
from market_data_tests.vendors.http_server import HttpServer, Request

PASSWORD, PATH = "hunter2-password", "T0SECRET/B0SECRET"


class Webhook(HttpServer):
    """The server. `told` is what it took; the next requests are answered with the `refusals` (0: not at all)."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[dict[str, Any]] = []
        self.refusals: list[int] = []

    @property
    def url(self) -> SecretStr:
        """Its address, as apprise writes it."""
        return SecretStr(f"json://robot:{PASSWORD}@127.0.0.1:{self.port}/{PATH}")

    @property
    def titles(self) -> list[str]:
        """Of what it was told."""
        return [each["title"] for each in self.told]

    def answer(self, request: Request) -> Answer:
        answer = Answer(self.refusals.pop(0) if self.refusals else 200, b"")
        if answer.status == 200:
            self.told.append(json.loads(request.body))
        if answer.status == 0:
            stall()(answer)
        return answer


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    """A webhook that takes everything."""
    with Webhook() as hook:
        yield hook
