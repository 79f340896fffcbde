"""What the user decides: `feeds.yaml` and a few environment variables, as frozen models."""

from market_data.settings.environment import Environment
from market_data.settings.load import load_settings
from market_data.settings.model import Feed, Settings

__all__ = ["Environment", "Feed", "Settings", "load_settings"]
