"""Databento's own client with what it lacks: patience, errors in words, a private authority, and a key that is kept.

What is asked, and in which order, stands in `fetch`. The client is imported with this module.
"""

import datetime as dt
import logging
import math
import os
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from traceback import clear_frames
from typing import Any, TypeVar, cast

import databento
from databento.common.error import BentoWarning
from databento_dbn import DBNError
from pydantic import SecretStr
from zstandard import ZstdError

from market_data.domain.errors import ConfigurationError, DamagedDownload, VendorUnavailable
from market_data.domain.time import parse_instant
from market_data.sources._patience import Patience
from market_data.sources._retries import patiently
from market_data.sources.databento._errors import told
from market_data.sources.databento.options import DatabentoOptions
from market_data.sources.databento.query import Query

T = TypeVar("T")
KEY = "DATABENTO_API_KEY"
_log = logging.getLogger(__name__)
_ENVIRONMENT = RLock()


class Session:
    """The historical API, for one feed.

    Every method raises VendorUnavailable when its patience has an end, VendorRefused and NotAvailable at once.
    """

    def __init__(self, options: DatabentoOptions, patience: Patience) -> None:
        """Opens no connection.

        Raises:
            ConfigurationError: there is no key that could be one, or no `ca_file` where the options say.
        """
        self._key = _key()
        self._ca_file = options.ca_file
        if options.ca_file is not None and not options.ca_file.is_file():
            raise ConfigurationError(f"ca_file of the feed's options: {options.ca_file} is no file")
        self.patience = patience
        self._ranges: dict[str, Any] = {}
        gateway = options.gateway or databento.HistoricalGateway.BO1
        self._client = databento.Historical(self._key.get_secret_value(), gateway)
        for part in (self._client.metadata, self._client.timeseries):
            part.TIMEOUT = patience.timeout_seconds  # pyright: ignore[reportAttributeAccessIssue]  any number will do

    def cost_usd(self, query: Query) -> float:
        """What streaming it would cost."""
        what = f"the cost of {query}"
        return _number(self._ask(what, lambda: self._client.metadata.get_cost(**query.arguments)), what)

    def size_bytes(self, query: Query) -> int:
        """Its size as it is billed, uncompressed."""
        what = f"the size of {query}"
        return int(_number(self._ask(what, lambda: self._client.metadata.get_billable_size(**query.arguments)), what))

    def records(self, query: Query) -> int:
        """How many records it has."""
        what = f"the record count of {query}"
        return int(_number(self._ask(what, lambda: self._client.metadata.get_record_count(**query.arguments)), what))

    def available(self, query: Query, *, again: bool = False) -> tuple[dt.datetime, dt.datetime]:
        """From when to when, exclusive, there is data that the account may have; as it was told first, or `again`."""
        what, dataset = f"the range of {query.dataset}", query.dataset
        if again or dataset not in self._ranges:
            self._ranges[dataset] = self._ask(what, lambda: self._client.metadata.get_dataset_range(dataset))
        answer = self._ranges[dataset]
        try:
            span = answer.get("schema", {}).get(query.schema, answer)
            return parse_instant(span["start"]), parse_instant(span["end"])
        except (AttributeError, KeyError, TypeError, ValueError):
            raise VendorUnavailable(f"{what}: the answer is no range: {self._shown(answer)[:200]}") from None

    def condition(self, dataset: str, day: dt.date) -> dict[str, str | None]:
        """What the vendor says of a day's quality: its entry, empty where the day is not listed."""
        what, date = f"the condition of {dataset} on {day.isoformat()}", day.isoformat()
        ask = self._client.metadata.get_dataset_condition
        answer: Any = self._ask(what, lambda: ask(dataset, start_date=date, end_date=date))
        try:
            return next((dict(entry) for entry in answer if entry["date"] == date), {})
        except (KeyError, TypeError, ValueError):
            raise VendorUnavailable(f"{what}: the answer is no list: {self._shown(answer)[:200]}") from None

    def download(self, query: Query, path: Path) -> None:
        """The stream into a file that does not exist. It is billed from its first byte, so it is not asked for twice.

        Raises:
            DamagedDownload: the stream broke off, or is none; the path may hold a part of it.
        """

        def stream() -> None:
            self._client.timeseries.get_range(**query.arguments, path=path)

        try:
            self._ask(str(query), stream)
        except (ValueError, EOFError, DBNError, ZstdError) as error:
            raise DamagedDownload(f"{query}: what came is no DBN: {self._shown(error)}") from None

    def _ask(self, what: str, call: Callable[[], T]) -> T:
        return patiently(self.patience, lambda: self._once(what, call))

    def _once(self, what: str, call: Callable[[], T]) -> T:
        with self._warnings_logged(what), _trusting(self._ca_file):
            try:
                return call()
            except Exception as error:
                problem = told(error, what, self._shown)
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
                    _log.warning("%s: %s", what, self._shown(warning.message))

    def _shown(self, words: object) -> str:
        return str(words).replace(self._key.get_secret_value(), "<key>")


def _key() -> SecretStr:
    key = os.environ.get(KEY, "")
    if not key:
        raise ConfigurationError(f"{KEY} is not set in the environment; a key is made at databento.com/portal/keys")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigurationError(f"{KEY} in the environment holds blanks, line ends or other signs that no key has")
    return SecretStr(key)


def _number(answer: object, what: str) -> float:
    """A figure that money may depend on: nothing else is taken for one."""
    good = isinstance(answer, int | float) and not isinstance(answer, bool) and math.isfinite(answer) and answer >= 0
    if not good:
        raise VendorUnavailable(f"{what}: the answer is no figure: {str(answer)[:200]}")
    return cast("float", answer)


@contextmanager
def _trusting(ca_file: Path | None) -> Generator[None]:
    """The authority for the calls within, by the one way that `requests` documents for a session that is not ours.

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
