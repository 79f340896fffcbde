"""Tardis on loopback: a real HTTP server over a folder in the archive's layout, and its API beside it, with faults.

`with TardisArchive(root) as archive: archive.base_url`, or the fixture `tardis_archive` over an empty folder. As at
Tardis, a key is wanted for all but the first day of a month, and `x-md5` is of something else.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from market_data_tests.vendors import faults
from market_data_tests.vendors.faults import Answer, Fault
from market_data_tests.vendors.http_server import HttpServer, Request, ranged

KEY = "TD.made-up-key-of-the-tests"


class TardisArchive(HttpServer):
    """The server, of the data sets and the API alike.

    Args:
        root: the folder that holds `v1/<exchange>/...` and the API's answers in `api`.
    """

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root

    def answer(self, request: Request) -> Answer:
        parts = request.path.split("/")
        if not _may(parts, request.headers.get("authorization")):
            return _refusal(401, "Provided API key is not valid, or none was provided.")
        if parts[2] in ("instruments", "exchanges"):
            return self._api("/".join(unquote(part) for part in parts[2:]), parts[-1])
        file = (self.root / unquote(request.target).lstrip("/")).resolve()
        if not file.is_relative_to(self.root.resolve()) or not file.is_file():
            return _refusal(404, "Not found.")
        content = file.read_bytes()
        answer = ranged(request, content, f'"{hashlib.sha256(content).hexdigest()[:32]}"')
        if answer.status != 416:
            md5 = hashlib.md5(b"else").hexdigest()  # noqa: S324
            answer.headers |= {"Content-Type": "text/csv", "Content-Encoding": "gzip", "x-md5": md5}
        return answer

    def _api(self, name: str, last: str) -> Answer:
        file = self.root / "api" / f"{name}.json"
        if not file.is_file():
            return _refusal(404, f"There is no {last}.")
        return Answer(200, file.read_bytes(), {"Content-Type": "application/json"})


def _may(parts: list[str], given: str | None) -> bool:
    if given is not None:
        return given == f"Bearer {KEY}"
    free = parts[2] == "exchanges" or parts[2:4] == ["instruments", "bitmex"]
    return free or (len(parts) > 6 and parts[6] == "01")


def status(code: int, **headers: str) -> Fault:
    """Answers with that status and Tardis' form of it."""
    return faults.status(code, _refusal(code, "no").body, **headers)


def _refusal(code: int, words: str) -> Answer:
    return Answer(code, json.dumps({"code": code, "message": words}).encode(), {"Content-Type": "application/json"})


@pytest.fixture
def tardis_archive(tmp_path: Path) -> Iterator[TardisArchive]:
    """An archive over an empty folder; `tardis_files` fills it."""
    root = tmp_path / "archive"
    root.mkdir()
    with TardisArchive(root) as archive:
        yield archive
