"""What a backup's folder holds: its description, its ledger, its files. Nothing is copied from or to a home here."""

import json
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column, MetaData, String, Table, insert, select

from market_data.domain.errors import ConfigurationError
from market_data.ledger.file import File
from market_data.ledger.ledger import Ledger
from market_data.storage.content_store import ContentStore
from market_data.storage.files import copy, write_atomic

FORMAT = 1

metadata = MetaData()
"""Relations beside the ledger's, in the backup only."""

landed = Table(
    "landed",
    metadata,
    Column("key", String, primary_key=True, comment="below the landing's root"),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
)
"""The landing's files, its manifests among them."""

lost = Table("lost", metadata, Column("sha256", String(64), primary_key=True))
"""Files that were damaged or gone in the home when the backup was taken, which was allowed: it has none of them."""


class Item(NamedTuple):
    """A file of a backup."""

    key: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Backup:
    """The description of a whole backup.

    Attributes:
        taken_at: the instant of its ledger, ISO 8601, UTC.
        ledger: the SHA-256 of its ledger, an SQLite file.
        files: how many files it has besides.
        version: of the platform that made it.
    """

    taken_at: str
    ledger: str
    ledger_bytes: int
    files: int
    size_bytes: int
    version: str
    format: int = FORMAT

    def as_dict(self) -> dict[str, Any]:
        """For `backup.json`, and for people's programs."""
        return asdict(self)


def vault(folder: Path) -> ContentStore:
    """Return the files of a backup."""
    return ContentStore(folder / "files")


def read(folder: Path) -> Backup | None:
    """Return the backup that counts; None where there is none yet.

    Raises:
        ConfigurationError: it was made by a later version, or its description is damaged.
    """
    path = folder / "backup.json"
    if not path.exists():
        return None
    try:
        return _known(path, json.loads(path.read_bytes()))
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{path} is no description of a backup: {error}") from error


def write(folder: Path, backup: Backup) -> None:
    """Make it the one that counts."""
    write_atomic(folder / "backup.json", json.dumps(backup.as_dict(), indent=1).encode())


@contextmanager
def ledger_of(folder: Path, backup: Backup, scratch: Path) -> Generator[Ledger]:
    """Give a copy of a backup's ledger, brought to this version's schema; the backup itself may be read-only.

    Args:
        scratch: a local folder for the copy, which the caller removes.

    Raises:
        ConfigurationError: the backup's ledger is damaged or gone.
    """
    path, here = vault(folder).path(backup.ledger), scratch / "backup.db"
    if not path.exists() or copy(path, here) != backup.ledger:
        raise ConfigurationError(f"{path}, the ledger of this backup, is gone or damaged: the backup cannot be used")
    ledger = Ledger(f"sqlite:///{here}")
    try:
        yield ledger
    finally:
        ledger.close()


def note(ledger: Ledger, items: Sequence[Item], absent: Iterable[str]) -> None:
    """Write into a backup's ledger what lies in the landing, and which files it has not."""
    with ledger.writing() as connection:
        metadata.create_all(connection)
        for relation, rows in ((landed, [item._asdict() for item in items]), (lost, [{"sha256": d} for d in absent])):
            if rows:
                connection.execute(insert(relation), rows)


def contents(ledger: Ledger) -> Iterator[Item | File]:
    """Yield what a backup's ledger says is in the backup: the landing's files, manifests last; then the warehouse's."""
    with ledger.instant() as connection:
        absent = set(connection.execute(select(lost.c.sha256)).scalars())
        last = landed.c.key.like("%/manifest.json")
        items = [Item(*row) for row in connection.execute(select(landed).order_by(last, landed.c.key))]
    yield from (item for item in items if item.sha256 not in absent)
    yield from (file for file in ledger.filed() if file.sha256 not in absent)


def _known(path: Path, description: dict[str, Any]) -> Backup:
    if description.get("format") != FORMAT:
        raise ConfigurationError(
            f"{path} has the format {description.get('format')!r}, and this version knows {FORMAT}: "
            f"use the version that made it ({description.get('version')})"
        )
    return Backup(**description)
