"""Landed files by table and partition, and the manifest that says which of them count."""

import datetime as dt
import json
import logging
import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from market_data.domain.ports.source import Fetched, LandedFile, Request
from market_data.storage.files import make_folder, publish, sha256, sync_file, write_atomic
from market_data.storage.locks import held

_log = logging.getLogger("market_data.landing")


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
    """`root/<feed>/<table>/<symbol>/<date>/manifest.json`, and beside it `<sha256, 16 digits>/<vendor's name>`.

    A file that the vendor replaced since stays where it was; the manifest lists it as superseded.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def find(self, request: Request) -> tuple[LandedFile, ...] | None:
        """The landed files of a request, in the order of decoding; None if there are none, or one is damaged."""
        manifest = self._manifest(request)
        if manifest is None:
            return None
        files = tuple(self._file(request, entry) for entry in manifest["files"])
        for file in files:
            if not file.path.exists() or sha256(file.path) != file.sha256:
                _log.warning("%s: %s is damaged or gone; it will be fetched again", request, file.path)
                return None
        return files

    def has(self, request: Request) -> bool:
        """Whether the files of a request are there, by name and size: quicker than `find`, which reads them."""
        files = self.listed(request)
        return bool(files) and all(file.path.exists() and file.path.stat().st_size == file.size_bytes for file in files)

    def listed(self, request: Request) -> tuple[LandedFile, ...]:
        """The files of a request as the manifest has them, unread; none if nothing is landed."""
        manifest = self._manifest(request)
        return tuple(self._file(request, entry) for entry in manifest["files"]) if manifest else ()

    def known(self, request: Request) -> tuple[Known, ...]:
        """Every file of a request that was ever landed, those that count first; nothing is read but the manifest."""
        manifest = self._manifest(request) or {"files": [], "superseded": []}
        return tuple(
            Known(self._file(request, entry), entry["landed_at"], counts)
            for counts, entries in ((True, manifest["files"]), (False, manifest["superseded"]))
            for entry in entries
        )

    @contextmanager
    def workdir(self, request: Request) -> Generator[Path]:
        """A folder for this request's downloads. It outlives a killed process, and one process has it at a time.

        Raises:
            PartitionBusy: another process is fetching the same.
        """
        folder = self.root / "_staging" / self._key(request)
        with held(folder.with_name(f"{folder.name}.lock"), waiting_for=f"fetch {request}"):
            make_folder(folder)
            yield folder

    def land(self, request: Request, fetched: Sequence[Fetched]) -> tuple[LandedFile, ...]:
        """Move whole files in and make them the ones that count: all of them or, after a crash, none.

        Landing the same bytes again changes nothing.
        """
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        entries = [self._move_in(request, file, now) for file in fetched]
        manifest = self._manifest(request)
        before: list[dict[str, Any]] = manifest["files"] if manifest else []
        if [entry["sha256"] for entry in before] != [entry["sha256"] for entry in entries]:
            replaced = [e for e in before if e["sha256"] not in {entry["sha256"] for entry in entries}]
            superseded = [*(manifest["superseded"] if manifest else []), *replaced]
            content = json.dumps({"files": entries, "superseded": superseded}, indent=1)
            write_atomic(self._folder(request) / "manifest.json", content.encode())
        return tuple(self._file(request, entry) for entry in entries)

    def discard_workdir(self, request: Request) -> None:
        """Remove what a finished fetch left of its downloads."""
        shutil.rmtree(self.root / "_staging" / self._key(request), ignore_errors=True)

    def _move_in(self, request: Request, file: Fetched, now: str) -> dict[str, Any]:
        digest, size = sha256(file.path), file.path.stat().st_size
        target = self._folder(request) / digest[:16] / file.name
        make_folder(target.parent)
        sync_file(file.path)
        publish(file.path, target)
        return {
            "name": file.name,
            "sha256": digest,
            "size_bytes": size,
            "origin": file.origin,
            "landed_at": now,
        }

    def _manifest(self, request: Request) -> dict[str, Any] | None:
        path = self._folder(request) / "manifest.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def _file(self, request: Request, entry: dict[str, Any]) -> LandedFile:
        path = self._folder(request) / entry["sha256"][:16] / entry["name"]
        return LandedFile(path, entry["name"], entry["origin"], entry["sha256"], entry["size_bytes"])

    def _key(self, request: Request) -> Path:
        partition = request.partition
        return Path(partition.feed, request.table, partition.symbol, partition.date.isoformat())

    def _folder(self, request: Request) -> Path:
        return self.root / self._key(request)
