"""No test reads the feeds or touches the data of whoever runs it."""

import os
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import settings

from market_data.settings.environment import PACKAGED_FEEDS
from market_data_tests.databases import dropping

os.environ["MARKET_DATA_CONFIG"] = str(PACKAGED_FEEDS)
os.environ["MARKET_DATA_HOME"] = tempfile.mkdtemp(prefix="market-data-tests-")

for _name in [name for name in os.environ if name.startswith("MARKET_DATA_ALERTS_")]:
    del os.environ[_name]

# A busy machine is no failure. CI looks at the same cases every time; whoever works here, at new ones.
settings.register_profile("steady", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("steady")


@pytest.fixture(autouse=True)
def _databases() -> Iterator[None]:
    with dropping():
        yield
