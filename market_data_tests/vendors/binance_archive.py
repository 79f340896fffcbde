"""Binance's public archive on loopback: a real HTTP server over a folder in the archive's layout, with faults.

`with BinanceArchive(root) as archive: archive.base_url`, or the fixture `binance_archive` over an empty folder.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from market_data_tests.vendors.faults import Answer, Fault
from market_data_tests.vendors.http_server import HttpServer, Request, ranged


def wrong_checksum() -> Fault:
    """For a `.CHECKSUM`: the hash of something else."""

    def fault(answer: Answer) -> None:
        answer.body = hashlib.sha256(b"something else").hexdigest().encode() + answer.body[64:]

    return fault


class BinanceArchive(HttpServer):
    """The server.

    Args:
        root: the folder that holds `data/spot/daily/...`.
    """

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root

    def answer(self, request: Request) -> Answer:
        root = self.root.resolve()
        file = (root / request.path.lstrip("/")).resolve()
        if not file.is_relative_to(root) or not file.is_file():
            return Answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        content = file.read_bytes()
        return ranged(request, content, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


@pytest.fixture
def binance_archive(tmp_path: Path) -> Iterator[BinanceArchive]:
    """An archive over an empty folder; `binance_files` fills it."""
    root = tmp_path / "archive"
    root.mkdir()
    with BinanceArchive(root) as archive:
        yield archive
