"""Every exception of CCXT as one of the project's errors. The type decides what is tried again."""

from collections.abc import Callable

import ccxt
import requests

from market_data.domain.errors import MarketDataError, NotAvailable, VendorRefused, VendorUnavailable
from market_data.vendor_access.http_status import Busy, seconds_to_wait

_LEGAL = 451
_PASSING = (408, 418, 425, 429)
_SERVER_ERRORS = 500
_KEYS = "look at the keys in the environment, or take them out: trades and candles need none"
_ELSE = "look at the exchange, its symbols and urls in the feed"


def told(error: Exception, what: str, shown: Callable[[object], str]) -> MarketDataError | None:
    """Return what CCXT raised as an error of the project; None for what is none of CCXT's.

    Final in words of their own: AuthenticationError, RestrictedLocation, BadSymbol, NotSupported. What passes:
    OperationFailed, and with it NetworkError, DDoSProtection, RateLimitExceeded, ExchangeNotAvailable, OnMaintenance.
    Everything else is final, unless the status (429, 5xx) or a broken connection says that it passes: CCXT calls some
    of these an ExchangeError too.

    Args:
        error: what the client raised.
        what: what was asked for, as a user would say it.
        shown: a text without keys in it.
    """
    if not isinstance(error, ccxt.BaseError):
        return None
    cause = error.__cause__ or error.__context__
    seen = f"{what}: {type(error).__name__}: {shown(error)[:300]}"
    response = cause.response if isinstance(cause, requests.HTTPError) else None
    if (final := _final(error, response, str(cause))) is not None:
        kind, advice = final
        return kind(f"{seen}: {advice}")
    if response is not None and (isinstance(error, ccxt.OperationFailed) or _passes(response.status_code)):
        asked = response.headers.get("Retry-After", "").strip()
        return Busy(f"{seen}, Retry-After: {asked}" if asked else seen, seconds_to_wait(asked))
    broken = isinstance(cause, requests.RequestException) and not isinstance(
        cause, requests.HTTPError | requests.TooManyRedirects
    )
    if isinstance(error, ccxt.OperationFailed) or broken:
        return VendorUnavailable(f"{seen}: {shown(cause)[:200]}" if broken else seen)
    return VendorRefused(f"{seen}: {_ELSE}")


def _final(
    error: ccxt.BaseError, response: requests.Response | None, cause: str
) -> tuple[type[MarketDataError], str] | None:
    if isinstance(error, ccxt.AuthenticationError):
        return VendorRefused, _KEYS
    if isinstance(error, ccxt.RestrictedLocation) or (response is not None and response.status_code == _LEGAL):
        return VendorRefused, "the exchange does not serve this place; another address may (base_url)"
    if isinstance(error, ccxt.BadSymbol):
        return NotAvailable, "symbols are written as CCXT writes them, BTC/USDT or BTC/USDT:USDT"
    if isinstance(error, ccxt.NotSupported):
        return NotAvailable, "CCXT does not offer this of the exchange"
    if "CERTIFICATE_VERIFY_FAILED" in cause:
        return VendorRefused, "the server's certificate is not trusted; look at base_url and urls"
    return None


def _passes(status: int) -> bool:
    return status in _PASSING or status >= _SERVER_ERRORS
