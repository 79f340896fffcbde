"""How Tardis is asked: with the key, within limits, patiently; and what its answers mean. No parsing of data here.

HTTP is imported with this module.
"""

import datetime as dt
import json
import logging
import os
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

from pydantic import SecretStr

from market_data.domain.errors import ConfigurationError, NotAvailable, NotYetAvailable, VendorRefused
from market_data.domain.ports.source import Fetched, Request
from market_data.sources.tardis import instruments
from market_data.sources.tardis.archive import GROUPED, PUBLISHED_WITHIN, DataSet, safe, spelled
from market_data.sources.tardis.options import TardisOptions
from market_data.storage.locks import held
from market_data.vendor_access.circuit_breaker import Breaker
from market_data.vendor_access.download import Ask, Downloads, opened
from market_data.vendor_access.rate_limits import Limits, Rate
from market_data.vendor_access.request_policy import Manners
from market_data.vendor_access.timeouts import Patience
from market_data.vendor_files.bulk.unpack import must_be_whole

KEY = "TARDIS_API_KEY"
RATES = (Rate(10, 1.0), Rate(300, 60.0))
"""Tardis names no limit for files; its own client asks for twenty at once."""
OPEN_EXCHANGE = "bitmex"
"""Its instruments are told without a key."""
_EXCHANGE_BYTES = 1 << 30
_EXCHANGE_AGE = dt.timedelta(hours=12)
_SECRET = re.compile(r": (401|403)\b")
_log = logging.getLogger(__name__)


class Session:
    """Tardis' data sets and API, for one fetch."""

    def __init__(
        self, options: TardisOptions, patience: Patience, shared: Path, now: Callable[[], dt.datetime]
    ) -> None:
        """Opens no connection.

        Raises:
            ConfigurationError: what is in the environment is no key.
        """
        self._options = options
        self._patience = patience
        self._shared = shared
        self._now = now
        self._key = _key()
        limits = Limits(shared / "limits.sqlite", RATES)
        self._ask: Ask = partial(Manners(patience, Breaker(shared / "breaker.json", "Tardis")).ask, limits=limits)

    def data_set(self, wanted: DataSet, workdir: Path) -> Fetched:
        """Return the file, whole: its gzip stream ends with a good checksum.

        Raises:
            ConfigurationError: the day needs a key and there is none; Tardis was not asked.
            NotYetAvailable, NotAvailable, VendorRefused, VendorUnavailable, DamagedDownload, BadFile.
        """
        if self._key is None and not wanted.is_free:
            raise ConfigurationError(
                f"{wanted}: {KEY} is not set in the environment, and without a key Tardis gives only the first day of "
                f"each month; a key comes with a subscription at tardis.dev"
            )
        url, path = f"{self._options.base_url}/{wanted.path}", workdir / wanted.name
        limit = self._options.max_uncompressed_bytes
        # What is stored as gzip must come as it is: a server that is told "identity" may unpack it on the way.
        with self._connected(self._options.base_url, "gzip") as downloads, self._told(str(wanted), wanted.day):
            downloads.checked(url, path, lambda part: must_be_whole(part, limit, "gzip"), limit)
        _log.info("%s: %s bytes", wanted, f"{path.stat().st_size:,}")
        return Fetched(path, wanted.name, url)

    def instruments(self, request: Request, workdir: Path) -> Fetched:
        """Return what Tardis' API knows of the symbol; without a key only what stands in its list of the exchange."""
        name = (
            f"{self._options.exchange}_instruments_{request.partition.date.isoformat()}_{safe(request.vendor_symbol)}"
        )
        path, symbol = workdir / f"{name}.json", request.vendor_symbol
        if self._key is None and self._options.exchange != OPEN_EXCHANGE:
            return self._listed(request, path)
        url = f"{self._options.api_url}/v1/instruments/{self._options.exchange}"
        if kind := GROUPED.get(spelled(symbol)):
            url += f"?filter={quote(json.dumps({'type': kind}, separators=(',', ':')))}"
        else:
            url += f"/{quote(symbol, safe='')}"
        self._from_api(url, path, str(request))
        return Fetched(path, path.name, url)

    def _listed(self, request: Request, path: Path) -> Fetched:
        exchange = self._options.exchange
        url, whole = f"{self._options.api_url}/v1/exchanges/{exchange}", self._shared / f"{exchange}.json"
        with held(whole.with_suffix(".lock"), f"fetch the list of {exchange}", seconds=600):
            if not whole.exists() or self._age(whole) > _EXCHANGE_AGE:
                whole.unlink(missing_ok=True)
                self._from_api(url, whole, str(request))
            instruments.extract(whole, path, request, exchange)
        _log.info("%s: %s is not set: only the kind of instrument is known, from %s", request, KEY, url)
        return Fetched(path, path.name, f"{url}, {request.vendor_symbol} of it")

    def _age(self, path: Path) -> dt.timedelta:
        return self._now() - dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)

    def _from_api(self, url: str, path: Path, what: str) -> None:
        with self._connected(self._options.api_url, "identity") as downloads, self._told(what, None):
            downloads.checked(url, path, instruments.must_be_json, _EXCHANGE_BYTES)

    @contextmanager
    def _connected(self, url: str, encoding: str) -> Generator[Downloads]:
        headers = {"Accept-Encoding": encoding}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        with opened(url, self._patience, headers=headers, ask=self._ask) as downloads:
            yield downloads

    @contextmanager
    def _told(self, what: str, day: dt.date | None) -> Generator[None]:
        """Tardis' refusals with what to do about them."""
        try:
            yield
        except NotAvailable as error:
            raise self._absent(what, day, error) from error
        except VendorRefused as error:
            raise VendorRefused(
                f"{error}; {self._about_keys(what)}" if _SECRET.search(str(error)) else str(error)
            ) from error

    def _about_keys(self, what: str) -> str:
        if self._key is None:
            return f"Tardis wants a key for {what}: set {KEY} in the environment"
        return f"check that {KEY} is right, and that its subscription covers {what}"

    def _absent(self, what: str, day: dt.date | None, error: NotAvailable) -> NotAvailable | NotYetAvailable:
        if day is not None:
            end = dt.datetime.combine(day, dt.time(), dt.UTC) + dt.timedelta(days=1)
            if self._now() < end + PUBLISHED_WITHIN:
                return NotYetAvailable(
                    f"{what} is not available yet: Tardis has a day at about 06:00 UTC of the next; try again later "
                    f"({error})"
                )
        return NotAvailable(
            f"Tardis has no {what}: check the exchange's id and the symbol's spelling, and that Tardis has this data "
            f"type of it; {self._options.api_url}/v1/exchanges/{self._options.exchange} lists what there is ({error})"
        )


def _key() -> SecretStr | None:
    key = os.environ.get(KEY, "")
    if not key:
        return None
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigurationError(f"{KEY} in the environment holds blanks, line ends or other signs that no key has")
    return SecretStr(key)
