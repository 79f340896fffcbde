"""An exchange on loopback that CCXT's real client speaks to: a real HTTP server in four dialects, with faults.

`with CcxtExchange(truth) as exchange: exchange.base_url`, or the fixture `ccxt_exchange`. What it answers stands in
`ccxt_dialects`.
"""

import json
from collections.abc import Iterator

import pytest

from market_data.domain.time import NS_PER_MINUTE, day_bounds
from market_data_tests.sources.ccxt_case import DAY
from market_data_tests.vendors import ccxt_dialects, faults
from market_data_tests.vendors.ccxt_dialects import Market
from market_data_tests.vendors.ccxt_truth import Truth, truth
from market_data_tests.vendors.faults import Answer, Fault
from market_data_tests.vendors.http_server import HttpServer, Request


def status(code: int, content: str = '{"code": -1, "msg": "no"}', **headers: str) -> Fault:
    """Answers with that status and JSON, which may be none."""
    return faults.status(code, content.encode(), content_type="application/json", **headers)


def html(answer: Answer) -> None:
    """A proxy's page, with status 200."""
    answer.status, answer.body = 200, b"<!DOCTYPE html><html><body>Just a moment...</body></html>"
    answer.headers = {"Content-Type": "text/html"}


class CcxtExchange(HttpServer):
    """The server.

    Args:
        traded: what was traded; its clock stands ten minutes after the day.
    """

    def __init__(self, traded: Truth) -> None:
        super().__init__()
        self.market = Market(traded, day_bounds(traded.day)[1] + 10 * NS_PER_MINUTE)

    def answer(self, request: Request) -> Answer:
        return ccxt_dialects.answer(self.market, request.path, request.form)

    def recover(self) -> None:
        """No fault is left, and nothing that could be said once more."""
        super().recover()
        self.requests.clear()

    def repeated(self, endpoint: str) -> Fault:
        """A fault: what the endpoint said before comes once more."""

        def fault(answer: Answer) -> None:
            for request in self.asked(endpoint)[-1:]:
                answer.body = self.answer(request).body

        return fault


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
