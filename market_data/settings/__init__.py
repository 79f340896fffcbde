"""What the user decides: `feeds.yaml` and a few environment variables, as frozen models.

A name is imported where it is first asked for: the models bring pydantic along, the environment does not.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from market_data.settings.alerts import Alerts
    from market_data.settings.environment import Environment, alert_channels
    from market_data.settings.load import load_settings
    from market_data.settings.model import Feed, Settings

__all__ = ["Alerts", "Environment", "Feed", "Settings", "alert_channels", "load_settings"]
_MODULES = {"Alerts": "alerts", "Feed": "model", "Settings": "model", "load_settings": "load"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES.get(name, 'environment')}"), name)
