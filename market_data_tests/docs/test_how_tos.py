"""The how-tos, each followed to the letter in a copy of the project."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from market_data_tests.docs.pages import follow
from market_data_tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "how-to").glob("*.md"))
PORT = "20800"
"""Of the vendors on the pages; a free one takes its place here."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package and its tests, as a clone has them after `make setup`."""
    for name in ("market_data", "market_data_tests"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_a_how_to_does_what_it_says(page: Path, copy: Path):
    followed = copy / page.name
    followed.write_text(page.read_text(encoding="utf-8").replace(PORT, str(free_port())), encoding="utf-8")
    code = [str(path) for path in follow(followed, copy) if path.suffix == ".py"]
    for check in (["check"], ["format", "--check"]):
        command = [Path(sys.executable).with_name("ruff"), *check, *code]
        done = subprocess.run(command, check=False, cwd=copy, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
