"""A backup that somebody else has written, or written to: what it may not do."""

import dataclasses
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from market_data.domain.errors import ConfigurationError
from market_data.operations.backup import Options, back_up, described, restore
from market_data.operations.backup import folder as backups
from market_data.pipeline.workspace import opened
from market_data.storage.files import sha256
from market_data_tests.pipeline.homes import home_at, live


def untold(done: int, total: int) -> None:
    """Nobody follows."""


def rewritten(target: Path, statement: str) -> None:
    """Change a backup's ledger, and whatever else says that it was not changed."""
    backup = described(target)
    changed = target / "changed.db"
    shutil.copy(backups.vault(target).path(backup.ledger), changed)
    with closing(sqlite3.connect(changed)) as connection, connection:
        connection.executescript(statement)
    digest = sha256(changed)
    path = backups.vault(target).path(digest)
    path.parent.mkdir(exist_ok=True)
    changed.rename(path)
    backups.write(target, dataclasses.replace(backup, ledger=digest, ledger_bytes=path.stat().st_size))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE landed SET key = '../../outside/' || key",
        "UPDATE landed SET key = '/tmp/outside/' || key",
        "UPDATE landed SET key = 'a\\b/' || key",
        "UPDATE files SET path = '../../outside/' || path; "
        "UPDATE partition_revisions SET feed = '../../../outside', path = '../../outside/' || path",
    ],
)
def test_a_file_outside_of_the_home_is_refused_before_anything_is_written(tmp_path: Path, statement: str) -> None:
    target = tmp_path / "backup"
    with opened(live(tmp_path / "here")) as workspace:
        back_up(workspace, target, Options(), untold)
    rewritten(target, statement)
    before = {path for path in tmp_path.rglob("*") if "there" not in path.parts}
    with (
        opened(home_at(tmp_path / "there")) as workspace,
        pytest.raises(ConfigurationError, match="outside of the home"),
    ):
        restore(workspace, target, untold)
    assert {path for path in tmp_path.rglob("*") if "there" not in path.parts} == before
    assert not [*(tmp_path / "there").rglob("*.parquet"), *(tmp_path / "there").rglob("manifest.json")]
