"""No test reads the feeds or touches the data of whoever runs it."""

import os
import tempfile

from hypothesis import settings

from market_data.settings.environment import PACKAGED_FEEDS

os.environ["MARKET_DATA_CONFIG"] = str(PACKAGED_FEEDS)
os.environ["MARKET_DATA_HOME"] = tempfile.mkdtemp(prefix="market-data-tests-")

# A busy machine is no failure.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")
