"""A Dagster instance that lasts for one test, and the loopback archive."""

from collections.abc import Iterator

import dagster as dg
import pytest
from dagster import DagsterInstance

from market_data_tests.vendors.binance_archive import binance_archive

__all__ = ["binance_archive"]


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral
