"""Every exception of Databento's client as one of the project's errors, with one sentence that says what to do."""

import json
from collections.abc import Callable

import requests
from databento.common.error import BentoError, BentoHttpError

from market_data.domain.errors import (
    DamagedDownload,
    MarketDataError,
    NotAvailable,
    VendorRefused,
    VendorUnavailable,
    ours,
)
from market_data.vendor_access.http_status import Busy, seconds_to_wait

_PASSING = (408, 425, 429)
_SERVER_ERRORS = 500
_ADVICE = {
    401: "the key in DATABENTO_API_KEY is not accepted; make or copy one at https://databento.com/portal/keys",
    402: "the account cannot pay; look at https://databento.com/portal/billing",
    403: "the key's account has no right to this; subscribe to or license the dataset, or take it out of the feed",
    404: "look at dataset, symbols and stype_in of the feed",
}
_ADVICE_ELSE = "look at dataset, schemas, symbols and stype_in of the feed"


def told(error: Exception, what: str, shown: Callable[[object], str]) -> MarketDataError | None:
    """Return what the client raised as an error of the project; None for what is a mistake of ours.

    Args:
        error: what the client raised.
        what: what was asked for, as a user would say it.
        shown: an exception's text, without the key.
    """
    if isinstance(error, BentoHttpError):
        return _answered(error, what, shown)
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return VendorRefused(
            f"{what}: the gateway's certificate is not trusted ({shown(error)}); ca_file names a private authority"
        )
    if isinstance(error, requests.RequestException | json.JSONDecodeError):
        return VendorUnavailable(f"{what}: {type(error).__name__}: {shown(error)}")
    if isinstance(error, OSError):
        return ours(error)
    if isinstance(error, BentoError):
        return _broken(error, what, shown)
    return None


def _answered(error: BentoHttpError, what: str, shown: Callable[[object], str]) -> MarketDataError:
    status, seen = error.http_status, f"{what}: Databento answers {shown(error)}"
    if status in _PASSING or status >= _SERVER_ERRORS:
        asked = str(error.headers.get("Retry-After", "")).strip()
        return Busy(f"{seen}, Retry-After: {asked}" if asked else seen, seconds_to_wait(asked))
    kind = NotAvailable if status == 404 else VendorRefused  # noqa: PLR2004
    return kind(f"{seen}: {_ADVICE.get(status, _ADVICE_ELSE)}")


def _broken(error: BentoError, what: str, shown: Callable[[object], str]) -> MarketDataError:
    """Return the error of a stream that broke off; the client keeps the cause, which may be our own disk."""
    cause = error.__context__
    if isinstance(cause, OSError) and not isinstance(cause, requests.RequestException | ConnectionError | TimeoutError):
        return ours(cause)
    return DamagedDownload(f"{what}: {shown(error)}")
