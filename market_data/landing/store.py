"""Landed files by table and partition, and the manifest that says which of them count."""

import datetime as dt
import json
import logging
import shutil
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from market_data.domain.ports.source import Fetched, LandedFile, Request
from market_data.storage.backend import Backend, Folder
from market_data.storage.files import make_folder, sha256
from market_data.storage.locks import held

_log = logging.getLogger("market_data.landing")
_SMALL_BYTES = 65_536
_MANIFEST = "manifest.json"
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Known:
    """A file that a manifest lists.

    Attributes:
        landed_at: ISO 8601, UTC.
        counts: whether it is decoded; the others were replaced by the vendor since.
    """

    file: LandedFile
    landed_at: str
    counts: bool


class Landing:
    """`<feed>/<table>/<symbol>/<date>/manifest.json`, and beside it `<sha256, 16 digits>/<vendor's name>`.

    A file that the vendor replaced since stays where it was; the manifest lists it as superseded.
    """

    def __init__(self, place: Path | Backend) -> None:
        self._place = Folder(place) if isinstance(place, Path) else place

    def find(self, request: Request) -> tuple[LandedFile, ...] | None:
        """Return the landed files of a request, in the order of decoding; None if there are none, or one is damaged."""
        manifest = self._manifest(request)
        if manifest is None:
            return None
        files: list[LandedFile] = []
        for entry in manifest["files"]:
            key = _file_key(request, entry)
            path = self._place.local(key, entry["sha256"])
            if path is None:
                address = self._place.address(key)
                _log.warning("%s: %s is damaged or gone; it will be fetched again", request, address)
                return None
            files.append(_landed(path, entry))
        return tuple(files)

    def has(self, request: Request) -> bool:
        """Return whether the files of a request are there, by name and size: quicker than `find`, which reads them."""
        entries = self._entries(request)
        return bool(entries) and all(
            self._place.size(_file_key(request, entry)) == entry["size_bytes"] for entry in entries
        )

    def listed(self, request: Request) -> tuple[LandedFile, ...]:
        """Return the files of a request as the manifest has them, unread; none if nothing is landed.

        On a bucket only small ones, such as what a source notes beside its data, are there to be read.
        """
        files: list[LandedFile] = []
        for entry in self._entries(request):
            key = _file_key(request, entry)
            small = entry["size_bytes"] <= _SMALL_BYTES
            path = (self._place.local(key, entry["sha256"]) if small else None) or self._place.path(key)
            files.append(_landed(path, entry))
        return tuple(files)

    def known(self, request: Request) -> tuple[Known, ...]:
        """Return every file of a request that was ever landed, those that count first.

        Nothing is read but the manifest.
        """
        manifest = self._manifest(request) or {"files": [], "superseded": []}
        return tuple(
            Known(_landed(self._place.path(_file_key(request, entry)), entry), entry["landed_at"], counts)
            for counts, entries in ((True, manifest["files"]), (False, manifest["superseded"]))
            for entry in entries
        )

    def counting(self, requests: Sequence[Request]) -> list[tuple[tuple[str, str], ...]]:
        """Return name and SHA-256 of the files that count of each request, by the manifests alone."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = pool.map(self._entries, requests)
            return [tuple((entry["name"], entry["sha256"]) for entry in entries) for entries in found]

    @property
    def place(self) -> Backend:
        """Return where the files lie, by key."""
        return self._place

    def manifests(self) -> Iterator[tuple[str, bytes]]:
        """Yield every manifest, by its key."""
        keys = [key for key in self._place.every_key() if key.endswith(f"/{_MANIFEST}")]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for key, content in zip(keys, pool.map(self._place.read, keys), strict=True):
                if content is not None:
                    yield key, content

    @contextmanager
    def workdir(self, request: Request) -> Generator[Path]:
        """Give a folder for this request's downloads. It outlives a killed process, and one process has it at a time.

        Raises:
            PartitionBusy: another process is fetching the same.
        """
        folder = self._place.workdir(_key(request))
        with held(folder.with_name(f"{folder.name}.lock"), waiting_for=f"fetch {request}"):
            make_folder(folder)
            yield folder

    def land(self, request: Request, fetched: Sequence[Fetched]) -> tuple[LandedFile, ...]:
        """Move whole files in and make them the ones that count: all of them or, after a crash, none.

        Landing the same bytes again changes nothing.
        """
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        moved = [self._move_in(request, file, now) for file in fetched]
        entries = [entry for _, entry in moved]
        manifest = self._manifest(request)
        before: list[dict[str, Any]] = manifest["files"] if manifest else []
        if [entry["sha256"] for entry in before] != [entry["sha256"] for entry in entries]:
            replaced = [e for e in before if e["sha256"] not in {entry["sha256"] for entry in entries}]
            superseded = [*(manifest["superseded"] if manifest else []), *replaced]
            content = json.dumps({"files": entries, "superseded": superseded}, indent=1)
            self._place.write(f"{_key(request)}/{_MANIFEST}", content.encode())
        return tuple(_landed(path, entry) for path, entry in moved)

    def discard_workdir(self, request: Request) -> None:
        """Remove what a finished fetch left of its downloads."""
        shutil.rmtree(self._place.workdir(_key(request)), ignore_errors=True)

    def _move_in(self, request: Request, file: Fetched, now: str) -> tuple[Path, dict[str, Any]]:
        entry: dict[str, Any] = {
            "name": file.name,
            "sha256": sha256(file.path),
            "size_bytes": file.path.stat().st_size,
            "origin": file.origin,
            "landed_at": now,
        }
        return self._place.put(file.path, _file_key(request, entry), entry["sha256"]), entry

    def _entries(self, request: Request) -> list[dict[str, Any]]:
        manifest = self._manifest(request)
        return manifest["files"] if manifest else []

    def _manifest(self, request: Request) -> dict[str, Any] | None:
        content = self._place.read(f"{_key(request)}/{_MANIFEST}")
        return None if content is None else json.loads(content)


def listed_in(key: str, manifest: bytes) -> Iterator[tuple[str, str, int]]:
    """Yield key, SHA-256 and size in bytes of every file that a manifest lists, whether it counts or not."""
    content = json.loads(manifest)
    for entry in (*content["files"], *content["superseded"]):
        name = f"{key.removesuffix(_MANIFEST)}{entry['sha256'][:16]}/{entry['name']}"
        yield name, entry["sha256"], entry["size_bytes"]


def _landed(path: Path, entry: dict[str, Any]) -> LandedFile:
    return LandedFile(path, entry["name"], entry["origin"], entry["sha256"], entry["size_bytes"])


def _key(request: Request) -> str:
    partition = request.partition
    return f"{partition.feed}/{request.table}/{partition.symbol}/{partition.date.isoformat()}"


def _file_key(request: Request, entry: dict[str, Any]) -> str:
    return f"{_key(request)}/{entry['sha256'][:16]}/{entry['name']}"
