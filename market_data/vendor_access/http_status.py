"""What an HTTP status means to a source: the project's errors, and how long the vendor asks to wait."""

import datetime as dt
from email.utils import parsedate_to_datetime

import httpx

from market_data.domain.errors import NotAvailable, VendorRefused, VendorUnavailable

_GONE = (404, 410)
_PASSING = (408, 418, 425, 429)
"""Refusals that pass. 418 is how Binance says that an address is banned for a while for having ignored 429."""


class Busy(VendorUnavailable):
    """The vendor cannot answer now. `wait_seconds` is how long it asks to wait, None where it does not say."""

    def __init__(self, text: str, wait_seconds: float | None) -> None:
        super().__init__(text)
        self.wait_seconds = wait_seconds


def must_be_good(response: httpx.Response, url: str) -> None:
    """Nothing, for a status of success.

    Raises:
        NotAvailable: 404 or 410.
        Busy: 408, 418, 425, 429, 5xx, and what is no answer to a GET.
        VendorRefused: any other 4xx.
    """
    status = response.status_code
    if response.is_success:
        return
    seen = f"{url}: {status} {response.reason_phrase}".rstrip()
    if status in _GONE:
        raise NotAvailable(seen)
    if response.is_client_error and status not in _PASSING:
        raise VendorRefused(seen)
    asked = response.headers.get("Retry-After", "").strip()
    raise Busy(f"{seen}, Retry-After: {asked}" if asked else seen, seconds_to_wait(asked))


def seconds_to_wait(retry_after: str) -> float | None:
    """RFC 9110, 10.2.3: a number of seconds, or a date."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    aware = moment.replace(tzinfo=moment.tzinfo or dt.UTC)
    return max(0.0, (aware - dt.datetime.now(dt.UTC)).total_seconds())
