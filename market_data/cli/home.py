"""Opening what the environment names for a command: all of it as a workspace."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from market_data.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from market_data.pipeline.workspace import Workspace


@contextmanager
def open_workspace(*, must_exist: bool = True) -> Generator["Workspace"]:
    """Open the workspace that the environment names.

    Raises:
        ConfigurationError: with `must_exist`, that there is nothing at `MARKET_DATA_HOME` yet.
    """
    from market_data.pipeline import logs
    from market_data.pipeline.workspace import opened
    from market_data.settings import load_settings
    from market_data.sources import catalog

    settings = load_settings(catalog())
    if must_exist and not settings.is_made:
        raise ConfigurationError(
            f"nothing is at {settings.home} yet (MARKET_DATA_HOME names it): `market-data demo` fills it, "
            "and so does `dagster asset materialize`"
        )
    if settings.log_format == "json":  # as text, what is logged stays as terse as Python shows it by itself
        logs.show(settings.log_format)
    with opened(settings) as found:
        yield found
