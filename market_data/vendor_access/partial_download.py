"""The part of a download that has come, and the ETag that says of which file it is a part. No requests here."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import httpx

from market_data.domain.errors import VendorUnavailable

_PARTIAL_CONTENT = 206


class Part:
    """`<target>.part`, with `<target>.part.etag` beside it; both survive a killed process.

    Args:
        target: where the whole file shall be.
        without_etag: go on with a part of which no ETag says what it is a part of: its hash must be checked then.
    """

    def __init__(self, target: Path, *, without_etag: bool = False) -> None:
        self.target = target
        self._without_etag = without_etag
        self.path = target.with_name(target.name + ".part")
        self._etag = target.with_name(target.name + ".part.etag")

    def resume_headers(self) -> dict[str, str]:
        """Return what asks for the rest, or for all of it if the file is another one by now. Empty: ask for all."""
        size = self.path.stat().st_size if self.path.exists() else 0
        if not size or not (self._etag.exists() or self._without_etag):
            return {}
        if not self._etag.exists():
            return {"Range": f"bytes={size}-"}
        return {"Range": f"bytes={size}-", "If-Range": self._etag.read_text()}

    @contextmanager
    def opened_for(self, response: httpx.Response) -> Generator[BinaryIO]:
        """Give the file to write the answer's body to: at the end of what is there if the answer goes on from it.

        Raises:
            VendorUnavailable: it goes on from somewhere else; what was there is removed, so that a new try is safe.
        """
        resumed = response.status_code == _PARTIAL_CONTENT
        if resumed and not self._continues(response):
            self.remove()
            raise VendorUnavailable(f"{response.url}: sent another part of the file than was asked for")
        with self.path.open("ab" if resumed else "wb") as file:
            if not resumed:
                self._remember(response)
            yield file

    def remove(self) -> None:
        """Nothing is left of it."""
        self.path.unlink(missing_ok=True)
        self._etag.unlink(missing_ok=True)

    def finish(self) -> None:
        """The whole file, under its own name."""
        self.path.replace(self.target)
        self._etag.unlink(missing_ok=True)

    def _continues(self, response: httpx.Response) -> bool:
        start = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
        return start is not None and self.path.exists() and int(start[1]) == self.path.stat().st_size

    def _remember(self, response: httpx.Response) -> None:
        etag = response.headers.get("ETag", "")
        if etag.startswith('"'):  # a weak one (W/"...") does not promise the same bytes
            self._etag.write_text(etag)
        else:
            self._etag.unlink(missing_ok=True)
