"""Where runs run: `dagster.yaml` names the class below, and the environment decides. What a worker is: `workers`."""

import os
from collections.abc import Mapping
from typing import Any, cast

import dagster as dg
from dagster._core.launcher import RunLauncher
from dagster._serdes import ConfigurableClassData

from market_data.domain.errors import ConfigurationError

REDIS_URL = "MARKET_DATA_REDIS_URL"


class InstanceRunLauncher(dg.DefaultRunLauncher):
    """Dagster's default launcher, a process a run on this machine; with `MARKET_DATA_REDIS_URL`, the workers' one.

    It takes no configuration: what Dagster is configured with travels with each run, and the URL may hold a password.
    """

    @classmethod
    def from_config_value(  # pyright: ignore[reportIncompatibleMethodOverride]  another launcher may come of it
        cls,
        inst_data: ConfigurableClassData | None,
        config_value: Mapping[str, Any],  # noqa: ARG003  there is none
    ) -> RunLauncher:
        """Return the launcher that the environment asks for.

        Raises:
            ConfigurationError: it asks for workers, and what they need is not installed.
        """
        url = os.environ.get(REDIS_URL)
        if not url:
            return cls(inst_data)
        try:
            from market_data.resources.workers import WorkersRunLauncher  # noqa: PLC0415  an extra, and 0.3 s
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                f"{REDIS_URL} is set, so that workers run the runs, and {error.name} is not installed: "
                "`pip install 'market-data[deploy]'`, or unset it"
            ) from error
        return cast("RunLauncher", WorkersRunLauncher(url, inst_data))
