"""Where Dagster keeps runs, events and schedules: SQLite files of the instance, or PostgreSQL. Not how they look there.

`dagster.yaml` names `Instance`, since an instance's class is told the folder that SQLite files lie in, and a storage's
is not. Whoever reads `dagster.yaml` decides between the two; its workers follow, with a URL of their own environment.
"""

import os
from collections.abc import Mapping
from typing import Any

import yaml
from dagster import DagsterInstance
from dagster._config import UserConfigSchema
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.base_storage import DagsterStorage
from dagster._serdes import ConfigurableClass, ConfigurableClassData

from market_data.domain.errors import ConfigurationError, DatabaseUnavailable
from market_data.resources.sqlite_event_log import SqliteStorage
from market_data.settings.environment import Environment

_SQLITE, _POSTGRES = "sqlite", "postgresql"
_BATCH_VARIABLE, _BATCH = "DAGSTER_EVENT_BATCH_SIZE", 1_000
"""Dagster's own variable, which counts where it is set; it is 0 where not."""


class Instance(DagsterInstance):
    """Dagster's instance, with `InstanceStorage` where `dagster.yaml` names no storage."""

    @staticmethod
    def config_schema() -> Mapping[str, Any]:
        """It has no settings of its own."""
        return {}

    @staticmethod
    def config_defaults(base_dir: str) -> Mapping[str, ConfigurableClassData | None]:
        """Dagster's own, but for the storage. What stands here is shown in the UI and sent to workers: no URL."""
        kind = _SQLITE if Environment().postgres_url is None else _POSTGRES
        config = yaml.safe_dump({"kind": kind, "base_dir": base_dir})
        storage = ConfigurableClassData(InstanceStorage.__module__, InstanceStorage.__name__, config)
        return {**InstanceRef.config_defaults(base_dir), "storage": storage}

    def _get_event_batch_size(self) -> int:
        """Return how many events that Dagster says belong together, a run's planned ones, are stored at a time.

        One by one, 900 planned partitions of a table took 20 s before the run began.
        """
        return super()._get_event_batch_size() if _BATCH_VARIABLE in os.environ else _BATCH


class InstanceStorage(DagsterStorage, ConfigurableClass):
    """Dagster's storage in SQLite below the instance's folder, or in the database of `MARKET_DATA_POSTGRES_URL`."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Return which of the two, and the instance's folder."""
        return {"kind": str, "base_dir": str}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> DagsterStorage:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return one of Dagster's own two.

        Raises:
            ConfigurationError: it is PostgreSQL, and the environment does not say which.
            DatabaseUnavailable: its server does not answer, or refuses.
        """
        if config_value["kind"] == _SQLITE:
            return SqliteStorage.from_local(config_value["base_dir"], inst_data)
        url = Environment().postgres_url
        if url is None:
            raise ConfigurationError(
                "Dagster's runs are kept in PostgreSQL, and MARKET_DATA_POSTGRES_URL is not set in this process; give "
                "it the same as the daemon and the web server have"
            )
        return _postgres(url.get_secret_value(), inst_data)


def _postgres(url: str, inst_data: ConfigurableClassData) -> DagsterStorage:
    from dagster_postgres import DagsterPostgresStorage  # noqa: PLC0415  a laptop needs no driver of it
    from dagster_postgres.utils import DagsterPostgresException  # noqa: PLC0415
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415

    try:
        return DagsterPostgresStorage(url, inst_data=inst_data)
    except (DagsterPostgresException, OperationalError) as error:
        cause = error.__cause__ or error
        told = " ".join(str(getattr(cause, "orig", cause)).split())
        raise DatabaseUnavailable(
            f"Dagster's database (MARKET_DATA_POSTGRES_URL) does not answer: {told}; start it, or correct the variable"
        ) from None
