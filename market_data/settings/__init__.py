"""What the user decides: `feeds.yaml` and a few environment variables, as frozen models."""

from market_data.settings.environment import Environment, alert_channels
from market_data.settings.load import load_settings
from market_data.settings.model import Alerts, Feed, Settings

__all__ = ["Alerts", "Environment", "Feed", "Settings", "alert_channels", "load_settings"]
