"""CCXT's own client with what it lacks: limits that processes share, patience, a circuit breaker, errors in words.

Every request of the client passes here, those of `load_markets` too. What is asked stands in `ways`. CCXT is imported
with this module.
"""

import logging
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import ccxt
from pydantic import SecretStr

from market_data.domain.errors import ConfigurationError, MarketDataError, NotAvailable, VendorUnavailable
from market_data.sources.ccxt._errors import told
from market_data.sources.ccxt.exchange_facts import traits
from market_data.sources.ccxt.options import CcxtOptions
from market_data.sources.ccxt.pages import Call, Market, Page, Unfit, parsed
from market_data.vendor_access.circuit_breaker import Breaker
from market_data.vendor_access.rate_limits import Limits, Rate
from market_data.vendor_access.request_policy import Manners
from market_data.vendor_access.timeouts import Patience

T = TypeVar("T")
_SILENT = logging.Logger("ccxt", logging.WARNING)
"""CCXT logs headers, and so keys, when it debugs."""
_FRESH_SECONDS = 600.0
"""Markets are asked for again after that: symbols come and go."""
_UNEXPECTED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What CCXT's own code raises at an answer of a form that it did not expect."""
_SIGNED = re.compile(r"\b(signature|sign|token)=[^&\s]+", re.IGNORECASE)
_KEPT = (
    *("id", "symbol", "base", "quote", "settle", "baseId", "quoteId", "settleId", "type"),
    *("spot", "margin", "swap", "future", "option", "contract", "linear", "inverse", "contractSize", "precision"),
)


class Session:
    """One exchange, for one feed. Every method raises VendorUnavailable when patience has an end, all else at once."""

    def __init__(self, options: CcxtOptions, symbols: Iterable[str], patience: Patience, shared: Path) -> None:
        """Opens no connection.

        Raises:
            ConfigurationError: CCXT has no such exchange, or the exchange no address of a name in `urls`.
        """
        self.exchange, self._traits = options.exchange, traits(options.exchange)
        self._secrets = _secrets(options.exchange)
        self._read: Callable[[str], object] = parsed
        self._heard: tuple[str, str] = ("", "")
        self._loaded_at: float | None = None
        self._problem: MarketDataError | None = None
        folder = shared / options.exchange
        self._manners = Manners(patience, Breaker(folder / "breaker.json", options.exchange))
        self._client = self._made(options, symbols, patience)
        self._limits = Limits(folder / "limits.db", _rates(options, float(self._client.rateLimit)))

    def market(self, symbol: str) -> Mapping[str, Any]:
        """Return all that CCXT knows of a market, by its unified symbol.

        Raises:
            NotAvailable: there is none of that symbol.
        """
        self._read, self._problem = parsed, None
        if self._loaded_at is None or time.monotonic() - self._loaded_at > _FRESH_SECONDS:
            self._called("the markets", lambda: self._client.load_markets(True))
            if not self._client.markets:
                raise VendorUnavailable(f"{self.exchange} the markets: none came")
            self._loaded_at = time.monotonic()
        try:
            return self._called(symbol, lambda: self._client.market(symbol))
        except NotAvailable:
            self._loaded_at = None
            if self._problem is not None:  # CCXT goes on without a part of the markets that did not come
                raise self._problem from None
            raise

    def page(self, call: Call, read: Callable[[Call, str], Page]) -> tuple[Page, str, str]:
        """Return a page, the address that it came from (without what was asked there) and its text as it came.

        What `read` calls unfit is asked for again.
        """
        self._read = lambda text: read(call, text)
        method, unified = getattr(self._client, call.method), call.method.startswith("fetch_")
        self._called(str(call), (lambda: method(**call.params)) if unified else lambda: method(dict(call.params)))
        url, text = self._heard
        return cast("Page", self._page), url, text

    def close(self) -> None:
        """Its connections are closed; the next request opens others."""
        self._client.session.close()

    def _called(self, what: str, call: Callable[[], T]) -> T:
        self._what = what
        try:
            return call()
        except MarketDataError:
            raise
        except _UNEXPECTED as error:
            problem = self._unread(error)
        except Exception as error:
            problem = told(error, f"{self.exchange} {what}", self._shown)
            if problem is None:
                raise
        raise problem  # not within `except`: it would drag the client's exception, and its headers, along

    def _asked(self, url: str, send: Callable[[], T]) -> T:
        """Make one HTTP request of the client: within the limits, tried again, its answer looked at."""
        path = urlsplit(url).path
        weight = next((n for end, n in self._traits.weights.items() if path.endswith(end)), self._traits.weight)
        try:
            return self._manners.ask(lambda: self._once(send), self._limits, weight)
        except MarketDataError as error:
            self._problem = error
            raise

    def _once(self, send: Callable[[], T]) -> T:
        problem: MarketDataError | None = None
        what = f"{self.exchange} {self._what}"
        self._heard = ("", "")
        try:
            answer = send()
        except ccxt.BaseError as error:
            problem = told(error, what, self._shown)
        except _UNEXPECTED as error:
            problem = self._unread(error)
        else:
            try:
                self._page = self._read(self._heard[1])
            except Unfit as error:
                problem = VendorUnavailable(f"{what}: the answer is {error}")
            else:
                return answer
        raise problem or AssertionError("CCXT's errors are all told")

    def _unread(self, error: Exception) -> VendorUnavailable:
        words = f"{type(error).__name__}: {self._shown(error)[:200]}"
        return VendorUnavailable(f"{self.exchange} {self._what}: CCXT cannot read the answer: {words}")

    def _made(self, options: CcxtOptions, symbols: Iterable[str], patience: Patience) -> Any:
        kind = getattr(ccxt, options.exchange, None)
        if kind is None or options.exchange not in ccxt.exchanges:
            raise ConfigurationError(f"CCXT {ccxt.__version__} has no exchange {options.exchange!r}")
        config: dict[str, Any] = {
            "enableRateLimit": True,
            "timeout": round(patience.timeout_seconds * 1_000),
            "logger": _SILENT,
            **{name: secret.get_secret_value() for name, secret in self._secrets.items()},
        }
        if not self._traits.currencies:
            config["has"] = {"fetchCurrencies": False}
        if options.exchange == "binance":
            types = sorted({_binance_type(symbol) for symbol in symbols})
            config["options"] = {"fetchMarkets": {"types": types}, "fetchMargins": False}
        if options.rate_limit_ms is not None:
            config["rateLimit"] = options.rate_limit_ms
        client = _guarded(kind, self)(config)
        client.urls["api"] = _addresses(client.urls["api"], options)
        return client

    def _shown(self, words: object) -> str:
        text = str(words)
        for name, secret in self._secrets.items():
            text = text.replace(secret.get_secret_value(), f"<{name}>")
        return _SIGNED.sub(r"\1=<\1>", text)


def kept(market: Mapping[str, Any]) -> dict[str, Any]:
    """Return what reading a market's pages needs to know of it: nothing that changes from day to day."""
    return {name: market.get(name) for name in _KEPT}


def _guarded(kind: Any, session: Session) -> Any:
    class Guarded(kind):
        def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
            send = super().fetch

            def answer() -> Any:
                return send(url, method, headers, body)

            return session._asked(url, answer)  # pyright: ignore[reportPrivateUsage]

        def on_rest_response(self, code: Any, reason: Any, url: str, method: str, *rest: Any) -> Any:
            session._heard = (url.partition("?")[0], str(rest[1]))  # pyright: ignore[reportPrivateUsage]
            return super().on_rest_response(code, reason, url, method, *rest)

    return Guarded


def _secrets(exchange: str) -> dict[str, SecretStr]:
    """Return both or none, from `CCXT_<EXCHANGE>_API_KEY` and `CCXT_<EXCHANGE>_SECRET`.

    Raises:
        ConfigurationError: one is set without the other.
    """
    names = {"apiKey": f"CCXT_{exchange.upper()}_API_KEY", "secret": f"CCXT_{exchange.upper()}_SECRET"}
    found = {field: SecretStr(value) for field, name in names.items() if (value := os.environ.get(name))}
    if len(found) == 1:
        missing = next(name for field, name in names.items() if field not in found)
        raise ConfigurationError(f"{missing} is not set in the environment, and its other half is: set both, or none")
    return found


def _rates(options: CcxtOptions, pause_ms: float) -> list[Rate]:
    if options.rates is not None:
        return [Rate(rate.weight, rate.seconds) for rate in options.rates]
    return list(traits(options.exchange).rates) or [Rate(1, max(pause_ms, 1.0) / 1_000)]


def _binance_type(symbol: str) -> str:
    pair, _, settle = symbol.partition(":")
    if not settle:
        return "spot"
    return "linear" if pair.partition("/")[2] == settle.partition("-")[0] else "inverse"


def _addresses(api: Any, options: CcxtOptions) -> Any:
    if unknown := [name for name in options.urls if name not in api]:
        raise ConfigurationError(f"urls of the feed's options: {unknown[0]!r} is none of {', '.join(sorted(api))}")
    return {name: options.urls.get(name) or _moved(url, options.base_url) for name, url in api.items()}


def _moved(url: Any, base: str | None) -> Any:
    if base is None:
        return url
    if isinstance(url, Mapping):
        return {name: _moved(each, base) for name, each in cast("Market", url).items()}
    return base + urlsplit(str(url).replace("{hostname}", "host")).path.rstrip("/")
