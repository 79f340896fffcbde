"""The operations guide: its commands do what it says, and its table of alerts has every kind that there is."""

import ast
import re
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from market_data_tests.databases import postgres
from market_data_tests.docs.pages import follow
from market_data_tests.docs.test_how_tos import copy
from market_data_tests.vendors.object_store import ObjectStore, object_store

__all__ = ["copy", "object_store"]
ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "operations.md"


@pytest.mark.slow
def test_backups_restores_and_moves_are_followed_to_the_letter(copy: Path, object_store: ObjectStore) -> None:
    shutil.copy(ROOT / "dagster.yaml", copy)
    # Only the addresses are others than on the page.
    (copy / ".env").write_text(f"MARKET_DATA_BUCKET_ENDPOINT={object_store.endpoint}\n", encoding="utf-8")
    followed = copy / "operations.md"
    with postgres() as server:
        addresses = {
            "postgresql://market_data@db.example/market_data": server.create("market_data"),
            "s3://desk/market-data": object_store.url,
        }
        text = PAGE.read_text(encoding="utf-8")
        for shown, real in addresses.items():
            assert shown in text
            text = text.replace(shown, real)
        followed.write_text(text, encoding="utf-8")
        follow(followed, copy)


def kinds() -> Iterator[str]:
    """Every kind that some `Cause(kind=...)` of the package has: a constant of its module."""
    for path in (ROOT / "market_data").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Cause":
                for keyword in node.keywords:
                    if keyword.arg == "kind":
                        assert isinstance(keyword.value, ast.Name)
                        module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
                        yield getattr(module, keyword.value.id)


@pytest.mark.parametrize("page", ["operations.md", "looking-after-itself.md"])
def test_every_kind_of_alert_is_told(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    (header,) = re.findall(r"^\| kind \|.*\n\|[-| ]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert set(re.findall(r"^\| `(\w+)` \|", header, re.MULTILINE)) == set(kinds())
