"""A warehouse in a temporary folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from market_data.warehouse.store import Warehouse
from market_data_tests.partitions import warehouse_at


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = warehouse_at(tmp_path / "home")
    yield opened
    opened.close()
    opened.ledger.close()
