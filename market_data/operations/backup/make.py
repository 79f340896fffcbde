"""Making a backup while the platform works: first the ledger as of one instant, then every file that it names.

The landing is listed after the ledger, and files land before the ledger names them; so nothing is missing.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from market_data import __version__
from market_data.domain.errors import ConfigurationError, WarehouseDamaged
from market_data.landing import listed_in
from market_data.ledger.ledger import Ledger
from market_data.ledger.transfer import transfer
from market_data.operations.backup import folder as backups
from market_data.operations.backup.folder import Backup, Item
from market_data.pipeline.workspace import Workspace
from market_data.storage.content_store import ContentStore, Copy
from market_data.storage.files import copy, sha256
from market_data.storage.locks import held

Follow = Callable[[int, int], None]
"""Told how many files are done, of how many."""
_AT_ONCE = 4
_NAMED = 10


@dataclass(frozen=True, slots=True)
class Options:
    """How a backup is made.

    Attributes:
        dry_run: only find out how much there is to copy; nothing is written to the backup.
        allow_lost: make it although files of the home are damaged or gone. They will be gone in what is restored too.
        prune: remove files that no revision and no manifest names.
    """

    dry_run: bool = False
    allow_lost: bool = False
    prune: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """What a backup took, or, dry, would take.

    Attributes:
        files: of the home, each set of bytes counted once.
        lost: files of the home that are damaged or gone, where that was allowed.
    """

    files: int
    size_bytes: int
    copied_files: int
    copied_bytes: int
    lost: Sequence[str] = ()
    pruned: int = 0


@dataclass(slots=True)
class _Wanted:
    """Bytes that the backup has not yet, and the ways to get them: each is tried until one gives these bytes."""

    item: Item
    address: str
    ways: list[Copy]


@dataclass(frozen=True, slots=True)
class _Survey:
    """What there is, gone through once: sizes of all, and those that are wanted, by SHA-256."""

    vault: ContentStore
    sizes: dict[str, int] = field(default_factory=dict[str, int])
    wanted: dict[str, _Wanted] = field(default_factory=dict[str, _Wanted])

    def see(self, item: Item, address: str, *ways: Copy) -> None:
        if item.sha256 in self.wanted:
            self.wanted[item.sha256].ways += ways
        elif item.sha256 not in self.sizes and not self.vault.has(item.sha256, item.size_bytes):
            self.wanted[item.sha256] = _Wanted(item, address, [*ways])
        self.sizes[item.sha256] = item.size_bytes

    def made(self) -> Made:
        """Return what it would take."""
        copied = sum(each.item.size_bytes for each in self.wanted.values())
        return Made(len(self.sizes), sum(self.sizes.values()), len(self.wanted), copied)


def back_up(workspace: Workspace, target: Path, options: Options, follow: Follow) -> Made:
    """Bring the backup in a folder up to date. Until the last moment the one that was there before counts.

    Raises:
        ConfigurationError: the folder and the home lie in each other, or it holds what is no backup.
        PartitionBusy: another process is writing the same backup.
        WarehouseDamaged: files of the home are damaged or gone, and that is not allowed; the text names them.
    """
    target = target.absolute()
    _must_lie_apart(workspace, target)
    before = backups.read(target)
    if before is None and target.exists() and {path.name for path in target.iterdir()} - {"files", "backup.lock"}:
        raise ConfigurationError(f"{target} holds something else than a backup; name a folder of its own")
    scratch = workspace.warehouse.folder() / "backup"
    scratch.mkdir()
    if options.dry_run:
        return _make(workspace, target, scratch, options, follow)
    with held(target / "backup.lock", waiting_for=f"back up to {target}", seconds=1):
        return _make(workspace, target, scratch, options, follow)


def _make(workspace: Workspace, target: Path, scratch: Path, options: Options, follow: Follow) -> Made:
    vault, path = backups.vault(target), scratch / "ledger.db"
    with closing(Ledger(f"sqlite:///{path}")) as ledger:
        taken_at = dt.datetime.now(dt.UTC)
        transfer(workspace.ledger, ledger)
        survey = _Survey(vault)
        items = list(_landed(workspace, survey))
        _tables(workspace, ledger, survey)
        if options.dry_run:
            return survey.made()
        vault.sweep()
        lost = _copy(vault, list(survey.wanted.values()), follow)
        if lost and not options.allow_lost:
            raise WarehouseDamaged(_words(lost))
        backups.note(ledger, items, lost)
    return _publish(target, path, survey, lost, taken_at, prune=options.prune)


def _landed(workspace: Workspace, survey: _Survey) -> Iterator[Item]:
    """See every manifest and the files that it lists. A manifest changes in place: what was read is what is kept."""
    place = workspace.landing.place
    for key, content in workspace.landing.manifests():
        manifest = Item(key, hashlib.sha256(content).hexdigest(), len(content))
        survey.see(manifest, place.address(key), partial(_write, content, manifest.sha256))
        yield manifest
        for listed in listed_in(key, content):
            item = Item(*listed)
            survey.see(item, place.address(item.key), partial(place.copy, item.key))
            yield item


def _tables(workspace: Workspace, ledger: Ledger, survey: _Survey) -> None:
    """See every file that a revision's rows are read from."""
    backend = workspace.warehouse.backend
    for file in ledger.filed():
        item = Item(file.path, file.sha256, file.size_bytes)
        survey.see(item, backend.address(item.key), partial(backend.copy, item.key))


def _write(content: bytes, digest: str, target: Path) -> str:
    target.write_bytes(content)
    return digest


def _copy(vault: ContentStore, wanted: Sequence[_Wanted], follow: Follow) -> dict[str, str]:
    """Copy what is wanted; by their SHA-256 the names of files that are damaged or gone."""
    lost: dict[str, str] = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        try:
            for done, (each, copied) in enumerate(zip(wanted, pool.map(partial(_add, vault), wanted), strict=True), 1):
                if not copied:
                    lost[each.item.sha256] = each.address
                follow(done, len(wanted))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return lost


def _add(vault: ContentStore, wanted: _Wanted) -> bool:
    return any(vault.add(wanted.item.sha256, way) for way in wanted.ways)


def _words(lost: dict[str, str]) -> str:
    named = "; ".join([*lost.values()][:_NAMED])
    return (
        f"{len(lost)} files of the home are damaged or gone, and no new backup was made (the one before it counts): "
        f"{named}. Materialize the partitions of those that count again; for others, which "
        "nothing brings back, --allow-lost makes a backup without them"
    )


def _publish(
    target: Path, path: Path, survey: _Survey, lost: dict[str, str], taken_at: dt.datetime, *, prune: bool
) -> Made:
    """Make a whole backup the one that counts, and let the ledger of the one before go."""
    before, size_bytes = backups.read(target), path.stat().st_size
    digest = sha256(path)
    survey.vault.add(digest, partial(copy, path))
    kept = {*survey.sizes} - {*lost}
    total = sum(survey.sizes[each] for each in kept)
    stamp = taken_at.isoformat(timespec="seconds")
    backups.write(target, Backup(stamp, digest, size_bytes, len(kept), total, __version__))
    if before is not None and before.ledger not in {digest, *kept}:
        survey.vault.path(before.ledger).unlink(missing_ok=True)
    pruned = survey.vault.prune({digest, *kept}) if prune else 0
    copied = [each.item.size_bytes for each in survey.wanted.values() if each.item.sha256 not in lost]
    return Made(len(kept), total, len(copied), sum(copied), tuple(lost.values()), pruned)


def _must_lie_apart(workspace: Workspace, target: Path) -> None:
    home = workspace.settings.home.resolve()
    if home.is_relative_to(target.resolve()) or target.resolve().is_relative_to(home):
        raise ConfigurationError(f"{target} and the home, {home}, lie in each other; name a folder elsewhere")
