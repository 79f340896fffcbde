"""Databento's own client with what it lacks: manners, errors in words, a private authority, and a key that is kept.

What is asked stands in `session` and `batch`. The vendor's client is imported with this module.
"""

import logging
import os
import warnings
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import RLock
from traceback import clear_frames
from typing import TypeVar

import databento
from databento.common.error import BentoWarning
from pydantic import SecretStr

from market_data.domain.errors import ConfigurationError
from market_data.sources.databento._errors import told
from market_data.sources.databento.options import DatabentoOptions
from market_data.sources.databento.rate_limits import Rates
from market_data.vendor_access import download as _download
from market_data.vendor_access.circuit_breaker import Breaker
from market_data.vendor_access.rate_limits import Limits
from market_data.vendor_access.request_policy import Manners
from market_data.vendor_access.timeouts import Patience

T = TypeVar("T")
KEY = "DATABENTO_API_KEY"
_log = logging.getLogger(__name__)
_ENVIRONMENT = RLock()


class Client:
    """The historical API, for one feed. Whatever is asked of it raises the project's errors.

    Attributes:
        api: the vendor's own client.
        manners: towards the vendor, shared with all processes of the home.
        timeseries, metadata, submissions: the limits of each kind of request.
    """

    def __init__(self, options: DatabentoOptions, patience: Patience, rates: Rates, shared: Path) -> None:
        """Opens no connection.

        Raises:
            ConfigurationError: there is no key that could be one, or no `ca_file` where the options say.
        """
        self._key = _key()
        self._ca_file = options.ca_file
        if options.ca_file is not None and not options.ca_file.is_file():
            raise ConfigurationError(f"ca_file of the feed's options: {options.ca_file} is no file")
        self.manners = Manners(patience, Breaker(shared / "breaker.json", "Databento"))
        self.timeseries = Limits(shared / "timeseries.db", [rates.timeseries])
        self.metadata = Limits(shared / "metadata.db", [rates.metadata])
        self.submissions = Limits(shared / "submissions.db", [rates.submissions])
        self.api = databento.Historical(
            self._key.get_secret_value(), options.gateway or databento.HistoricalGateway.BO1
        )
        for part in (self.api.metadata, self.api.timeseries, self.api.symbology, self.api.batch):
            part.TIMEOUT = patience.timeout_seconds  # pyright: ignore[reportAttributeAccessIssue]  any number will do

    def ask(self, what: str, call: Callable[[], T], limits: Limits | None = None) -> T:
        """Return what a call of the vendor's client returns, tried again where that may help.

        Args:
            what: what is asked for, as a user would say it.
            call: one request.
            limits: those that it counts against; the metadata's unless others are given.

        Raises:
            VendorUnavailable: when the patience has an end, or the circuit is open.
            VendorRefused, NotAvailable: at once.
        """
        return self.manners.ask(lambda: self._in_our_words(what, call), limits or self.metadata)

    def ask_once(self, what: str, call: Callable[[], T], limits: Limits | None = None) -> T:
        """Return the same without trying again, for what must not be done twice."""
        return self.manners.once(lambda: self._in_our_words(what, call), limits or self.metadata)

    def downloads(self) -> AbstractContextManager[_download.Downloads]:
        """Return downloads of the vendor's files, with the key for its server alone."""
        return _download.opened(
            self.api.gateway,
            self.manners.patience,
            ask=self.manners.ask,
            auth=(self._key.get_secret_value(), ""),
            ca_file=self._ca_file,
        )

    def shown(self, words: object) -> str:
        """Return words of the vendor's, without the key."""
        return str(words).replace(self._key.get_secret_value(), "<key>")

    def _in_our_words(self, what: str, call: Callable[[], T]) -> T:
        with self._warnings_logged(what), _trusting(self._ca_file):
            try:
                return call()
            except Exception as error:
                problem = told(error, what, self.shown)
                # The client's frames hold the key, and a file that a broken stream left open.
                clear_frames(error.__traceback__)
                if problem is None:
                    raise
        raise problem  # not within `except`: it would drag the client's exception along

    @contextmanager
    def _warnings_logged(self, what: str) -> Generator[None]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", BentoWarning)
            warnings.simplefilter("ignore", ResourceWarning)
            try:
                yield
            finally:
                for warning in caught:
                    _log.warning("%s: %s", what, self.shown(warning.message))


def _key() -> SecretStr:
    key = os.environ.get(KEY, "")
    if not key:
        raise ConfigurationError(f"{KEY} is not set in the environment; a key is made at databento.com/portal/keys")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigurationError(f"{KEY} in the environment holds blanks, line ends or other signs that no key has")
    return SecretStr(key)


@contextmanager
def _trusting(ca_file: Path | None) -> Generator[None]:
    """Give the authority for the calls within, by the one way that `requests` documents for a session that is not ours.

    https://requests.readthedocs.io/en/latest/user/advanced/#ssl-cert-verification. The environment is the process's:
    one call at a time, and what stood there comes back.
    """
    if ca_file is None:
        yield
        return
    name = "REQUESTS_CA_BUNDLE"
    with _ENVIRONMENT:
        before = os.environ.get(name)
        os.environ[name] = str(ca_file)
        try:
            yield
        finally:
            os.environ.pop(name)
            if before is not None:
                os.environ[name] = before
