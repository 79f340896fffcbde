"""Downloads from archives of files over HTTP: resumed, verified, patient with what passes, with typed errors.

It knows no vendor. httpx and stamina are imported with this module, so it is imported when something is fetched.
"""

import ssl
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol, TypeVar

import httpx

from market_data.domain.errors import BadFile, DamagedDownload, VendorUnavailable
from market_data.storage.files import sha256 as sha256_of
from market_data.vendor_access.http_status import must_be_good
from market_data.vendor_access.partial_download import Part
from market_data.vendor_access.redirects import guard
from market_data.vendor_access.retry_policy import attempts, patiently
from market_data.vendor_access.timeouts import Patience

T = TypeVar("T")
_TEXT_BYTES = 64 << 10
_VERIFICATIONS = 2
_RANGE_NOT_SATISFIABLE = 416


class Ask(Protocol):
    """How one request is made, and made again: see `_manners.Manners.ask`."""

    def __call__(self, call: Callable[[], T], /) -> T:
        """Return what the call returns in the end."""
        ...


@dataclass(frozen=True, slots=True)
class Downloads:
    """A connection to one vendor's archive; `opened` makes it."""

    http: httpx.Client
    patience: Patience
    ask: Ask | None = None

    def text(self, url: str) -> str:
        """Return a small text, at most 64 KiB of it.

        Raises:
            NotAvailable, VendorRefused, VendorUnavailable.
        """
        return self._patiently(url, lambda: self._text(url))

    def file(
        self, url: str, path: Path, sha256: Callable[[], str], max_bytes: int, *, without_etag: bool = False
    ) -> None:
        """The file, whole and with the right SHA-256, at `path`, which is only there once it is both.

        What comes stands in `<path>.part`: a body cut short, in this process or an earlier one, is gone on with from
        there as long as the vendor says that the file is still the same.

        Args:
            url: where it is.
            path: where it shall be. What is there already and has the right hash is not fetched again.
            sha256: asks the vendor for the hash; again for a second try, as the vendor may have replaced the file.
            max_bytes: a longer file is not taken.
            without_etag: go on also where the vendor gives no ETag, with only the hash to tell what came of it.

        Raises:
            NotAvailable, VendorRefused, VendorUnavailable: what came so far is kept.
            DamagedDownload: the hash was wrong twice; nothing is kept.
            BadFile: it is longer than `max_bytes`; nothing is kept.
        """
        for attempt in attempts(self.patience, DamagedDownload, _VERIFICATIONS):
            with attempt:
                self._verified(url, Part(path, without_etag=without_etag), sha256(), max_bytes)

    def checked(self, url: str, path: Path, check: Callable[[Path], None], max_bytes: int) -> None:
        """The same of a vendor that publishes no hash: the file, whole as far as `check` can tell.

        Args:
            url: where it is.
            path: where it shall be. What is there already is not fetched again: it was checked.
            check: raises BadFile if what came is not whole.
            max_bytes: a longer file is not taken.

        Raises:
            NotAvailable, VendorRefused, VendorUnavailable: what came so far is kept.
            DamagedDownload: `check` found fault twice; nothing is kept.
            BadFile: it is longer than `max_bytes`; nothing is kept.
        """
        for attempt in attempts(self.patience, DamagedDownload, _VERIFICATIONS):
            with attempt:
                if not path.exists():
                    self._found_good(url, path, check, max_bytes)

    def _found_good(self, url: str, path: Path, check: Callable[[Path], None], max_bytes: int) -> None:
        part = Part(path)
        self._patiently(url, lambda: self._go_on(url, part, max_bytes))
        try:
            check(part.path)
        except BadFile as error:
            part.remove()
            raise DamagedDownload(f"{url}: what came {error}; nothing of it was kept") from error
        part.finish()

    def _verified(self, url: str, part: Part, sha256: str, max_bytes: int) -> None:
        if part.target.exists() and sha256_of(part.target) == sha256:
            return
        self._patiently(url, lambda: self._go_on(url, part, max_bytes))
        found = sha256_of(part.path)
        if found != sha256:
            part.remove()
            raise DamagedDownload(
                f"{url}: what came has the SHA-256 {found}, and the vendor says {sha256}; nothing of it was kept"
            )
        part.finish()

    def _patiently(self, url: str, call: Callable[[], T]) -> T:
        def named() -> T:
            with _named(url):
                return call()

        return self.ask(named) if self.ask else patiently(self.patience, named)

    def _text(self, url: str) -> str:
        body = b""
        with self.http.stream("GET", url) as response:
            must_be_good(response, url)
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _TEXT_BYTES:
                    raise VendorUnavailable(f"{url}: an endless answer where a short text belongs")
        return body.decode("utf-8", "replace")

    def _go_on(self, url: str, part: Part, max_bytes: int) -> None:
        """One request for what is missing of the file, or for all of it."""
        headers = part.resume_headers()
        with self.http.stream("GET", url, headers=headers) as response:
            if response.status_code == _RANGE_NOT_SATISFIABLE and headers:
                return  # nothing is missing, or all is wrong: the hash will tell
            must_be_good(response, url)
            with part.opened_for(response) as file:
                for chunk in response.iter_raw():
                    file.write(chunk)
                    if file.tell() > max_bytes:
                        part.remove()
                        raise BadFile(f"{url}: longer than the {max_bytes} bytes that are allowed")


@contextmanager
def opened(
    base_url: str,
    patience: Patience,
    *,
    headers: Mapping[str, str] | None = None,
    ask: Ask | None = None,
    auth: tuple[str, str] | None = None,
    ca_file: Path | None = None,
    allow_private_redirects: bool = False,
) -> Generator[Downloads]:
    """Give downloads below `base_url`. Redirects are followed as far as `_redirects.guard` lets them.

    Args:
        base_url: what decides whether http is allowed.
        patience: how long the vendor is waited for.
        headers: of every request. httpx takes `Authorization` off where a redirect leads to another host.
        ask: how a request is made and made again; with that patience alone where it is not given.
        auth: user and password; a redirect to another host does not get them (httpx sees to it).
        ca_file: the one authority that is trusted; else those that everybody trusts.
        allow_private_redirects: whether a public vendor may send to an address of a private network.

    Raises:
        VendorRefused: while it is used, where a redirect leaves https or leads into a private network.
    """
    http = httpx.Client(
        auth=auth,
        verify=_tls(ca_file),
        timeout=patience.timeout_seconds,
        follow_redirects=True,
        headers={"Accept-Encoding": "identity", "User-Agent": "market-data", **(headers or {})},
        event_hooks={"request": [guard(base_url, allow_private=allow_private_redirects)]},
    )
    with http:
        yield Downloads(http, patience, ask)


@cache
def _tls(ca_file: Path | None) -> ssl.SSLContext:
    # Reading the certificates takes longer than a small file's download.
    return ssl.create_default_context(cafile=str(ca_file)) if ca_file else httpx.create_ssl_context()


@contextmanager
def _named(url: str) -> Generator[None]:
    try:
        yield
    except httpx.RequestError as error:
        raise VendorUnavailable(f"{url}: {type(error).__name__}: {error}") from error
