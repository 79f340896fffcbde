"""CCXT's exceptions as the project's: all of them, and what a status or a broken connection adds to their types."""

from collections.abc import Iterator
from typing import Any

import ccxt
import pytest
import requests
from ccxt.base import errors

from market_data.domain.errors import MarketDataError, NotAvailable, Permanent, Transient, VendorRefused
from market_data.sources.ccxt._errors import told
from market_data.vendor_access.http_status import Busy


def _names(tree: dict[str, Any]) -> Iterator[str]:
    for name, below in tree.items():
        yield name
        yield from _names(below)


NAMES = sorted(_names(errors.error_hierarchy))


def _told(error: Exception) -> MarketDataError:
    problem = told(error, "binance BTC/USDT", str)
    assert problem is not None
    return problem


def _response(status: int, **headers: str) -> requests.HTTPError:
    response = requests.Response()
    response.status_code = status
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return requests.HTTPError(response=response)


def _caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def test_every_exception_of_ccxt_is_in_its_tree() -> None:
    classes = {n for n, c in vars(errors).items() if isinstance(c, type) and issubclass(c, ccxt.BaseError)}
    assert classes == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_exception_of_ccxt_has_its_kind(name: str) -> None:
    kind: type[ccxt.BaseError] = getattr(errors, name)
    problem = _told(kind("it says"))
    assert isinstance(problem, Transient if issubclass(kind, ccxt.OperationFailed) else Permanent)
    assert f"binance BTC/USDT: {name}: it says" in str(problem)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ccxt.BadSymbol("x"), NotAvailable),
        (ccxt.NotSupported("x"), NotAvailable),
        (ccxt.PermissionDenied("x"), VendorRefused),
        (ccxt.RestrictedLocation("x"), VendorRefused),
        (_caused(ccxt.ExchangeNotAvailable("x"), _response(451)), VendorRefused),
        (_caused(ccxt.ExchangeError("x"), _response(422)), VendorRefused),
        (_caused(ccxt.ExchangeError("x"), _response(500)), Busy),
        (_caused(ccxt.ExchangeError("x"), _response(429)), Busy),
        (_caused(ccxt.ExchangeError("x"), requests.exceptions.ContentDecodingError("no gzip")), Transient),
        (_caused(ccxt.ExchangeError("x"), requests.TooManyRedirects("round")), VendorRefused),
        (_caused(ccxt.NetworkError("x"), requests.exceptions.SSLError("CERTIFICATE_VERIFY_FAILED")), VendorRefused),
    ],
)
def test_what_passes_and_what_is_final_is_told_apart(error: Exception, kind: type[MarketDataError]) -> None:
    assert isinstance(_told(error), kind)


@pytest.mark.parametrize("name", ["DDoSProtection", "RateLimitExceeded", "ExchangeNotAvailable", "OnMaintenance"])
@pytest.mark.parametrize(("headers", "seconds"), [({"Retry_After": "7"}, 7.0), ({}, None)])
def test_a_wait_that_is_asked_for_is_kept_to(name: str, headers: dict[str, str], seconds: float | None) -> None:
    problem = _told(_caused(getattr(ccxt, name)("x"), _response(429, **headers)))
    assert isinstance(problem, Busy)
    assert problem.wait_seconds == seconds


def test_what_is_none_of_ccxts_is_no_ones_to_tell() -> None:
    assert told(KeyError("a bug"), "x", str) is None
