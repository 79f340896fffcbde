"""Putting a backup into an empty home: every file first, each verified, and the ledger last, in one transaction.

Until then the home is empty by its ledger; so whatever ends a restore, the same command goes on with it.
"""

import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from market_data.domain.errors import BadFile, ConfigurationError
from market_data.ledger.file import File
from market_data.ledger.ledger import Ledger
from market_data.ledger.transfer import rows_in, transfer
from market_data.operations.backup import folder as backups
from market_data.operations.backup.folder import Backup, Item
from market_data.operations.backup.make import Follow
from market_data.pipeline.workspace import Workspace
from market_data.storage.backend import Backend
from market_data.storage.content_store import ContentStore
from market_data.storage.files import copy, make_folder
from market_data.storage.locks import held

_AT_ONCE = 4
_BLOCK = 256
"""Of a bucket's files, copies of as many lie on the local disk at once."""
_NAMED = 10


class _File(NamedTuple):
    """A file of the backup, and where it belongs."""

    place: Backend
    key: str
    sha256: str


def restore(workspace: Workspace, source: Path, follow: Follow) -> Mapping[str, int]:
    """Put a backup into the workspace's home; how many rows each relation of its ledger has now.

    Raises:
        ConfigurationError: there is no backup, or it names files outside of the home, or the home is not empty: its
            ledger has rows, or it has files that are not this backup's.
        BadFile: files of the backup are damaged or gone; the text names them. The ledger has no row then.
    """
    backup = described(source)
    with held(workspace.settings.home / "restore.lock", waiting_for="restore", seconds=1):
        scratch = workspace.warehouse.folder() / "restore"
        scratch.mkdir()
        with backups.ledger_of(source, backup, scratch) as ledger:
            files = list(_files(workspace, ledger))
            there = _must_be_empty(workspace, files)
            _put(workspace, backups.vault(source), files, there, follow)
            return transfer(ledger, workspace.ledger, renewed=True)


def torn(source: Path, follow: Follow) -> Sequence[str]:
    """Return the files of a backup that are damaged or gone; every byte is read.

    Raises:
        ConfigurationError: there is no backup, or its ledger is damaged or gone.
    """
    vault = backups.vault(source)
    with (
        tempfile.TemporaryDirectory(prefix="market-data-") as scratch,
        backups.ledger_of(source, described(source), Path(scratch)) as ledger,
    ):
        names = {each.sha256: _name(each) for each in backups.contents(ledger)}
    bad: list[str] = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for done, (digest, whole) in enumerate(zip(names, pool.map(vault.is_whole, names), strict=True), 1):
            if not whole:
                bad.append(f"{vault.path(digest)} ({names[digest]})")
            follow(done, len(names))
    return bad


def _name(each: Item | File) -> str:
    return f"landing/{each.key}" if isinstance(each, Item) else f"warehouse/{each.path}"


def described(source: Path) -> Backup:
    """Return the backup in a folder.

    Raises:
        ConfigurationError: there is none.
    """
    backup = backups.read(source)
    if backup is None:
        raise ConfigurationError(f"{source} holds no backup: `market-data backup` makes one, and backup.json names it")
    return backup


def _files(workspace: Workspace, ledger: Ledger) -> Iterator[_File]:
    """Yield the files of the backup, each where it was."""
    for each in backups.contents(ledger):
        if isinstance(each, Item):
            yield _File(workspace.landing.place, _within(each.key), each.sha256)
            continue
        yield _File(workspace.warehouse.backend, _within(each.path), each.sha256)


def _within(key: str) -> str:
    """Return the key, which leads nowhere but into the home.

    Raises:
        ConfigurationError: it leads elsewhere, as none does that `market-data backup` wrote.
    """
    path = PurePosixPath(key)
    if path.is_absolute() or ".." in path.parts or "\\" in key or "\0" in key:
        raise ConfigurationError(f"the backup names {key!r}, which is outside of the home; nothing was changed")
    return key


def _must_be_empty(workspace: Workspace, files: Sequence[_File]) -> set[tuple[Backend, str]]:
    """Return the files of a restore that did not end, each verified.

    Raises:
        ConfigurationError: there is something else.
    """
    with workspace.ledger.instant() as connection:
        rows = rows_in(connection)
    if rows:
        counts = ", ".join(f"{count:,} {name}" for name, count in rows.items())
        raise ConfigurationError(
            f"{workspace.settings.place} is not empty: its ledger has {counts}; nothing was changed"
        )
    expected: dict[Backend, dict[str, str]] = {workspace.landing.place: {}, workspace.warehouse.backend: {}}
    for file in files:
        expected[file.place][file.key] = file.sha256
    there: set[tuple[Backend, str]] = set()
    for place, digests in expected.items():
        for key in place.every_key():
            if key not in digests or place.digest(key) != digests[key]:
                stranger = f"{place.address(key)} is not of this backup; nothing was changed"
                raise ConfigurationError(f"{workspace.settings.place} is not empty: {stranger}")
            there.add((place, key))
    return there


def _put(
    workspace: Workspace,
    vault: ContentStore,
    files: Sequence[_File],
    there: AbstractSet[tuple[Backend, str]],
    follow: Follow,
) -> None:
    """Put every file in its place but those that are there.

    Raises:
        BadFile: files of the backup are damaged or gone; the others are in their places.
    """
    parts = [place.workdir("restore") for place in (workspace.landing.place, workspace.warehouse.backend)]
    for part in parts:
        shutil.rmtree(part, ignore_errors=True)
        make_folder(part)
    bad: list[str] = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for first in range(0, len(files), _BLOCK):
            block = files[first : first + _BLOCK]
            for file, whole in zip(block, pool.map(partial(_put_one, vault, there), block), strict=True):
                if not whole:
                    bad.append(f"{vault.path(file.sha256)} ({file.key})")
            workspace.warehouse.release()
            follow(first + len(block), len(files))
    for part in parts:
        shutil.rmtree(part, ignore_errors=True)
    if bad:
        named = "; ".join(bad[:_NAMED])
        raise BadFile(f"{len(bad)} files of the backup are damaged or gone, and the ledger was left empty: {named}")


def _put_one(vault: ContentStore, there: AbstractSet[tuple[Backend, str]], file: _File) -> bool:
    """Return whether the file is in its place, or was."""
    if (file.place, file.key) in there:
        return True
    part = file.place.workdir("restore") / uuid.uuid4().hex
    path = vault.path(file.sha256)
    if not path.exists() or copy(path, part) != file.sha256:
        part.unlink(missing_ok=True)
        return False
    file.place.put(part, file.key, file.sha256)
    return True
