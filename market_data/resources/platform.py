"""The platform as a Dagster resource: an open workspace for a run, and SQL over the warehouse."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from market_data.settings import Environment, Settings, load_settings
from market_data.sources import catalog

if TYPE_CHECKING:
    from market_data.pipeline.workspace import Workspace
    from market_data.warehouse.sql import Moment, WarehouseConnection


class PlatformResource(dg.ConfigurableResource[Any]):
    """Where the platform's data and configuration lie. It holds paths only, so that no secret can show in the UI.

    Attributes:
        home: root of landing, warehouse and ledger: a folder or a bucket's URL, which holds no credential.
        config: the feeds file.
    """

    home: str
    config: str

    def settings(self) -> Settings:
        """Return the settings, read anew."""
        return load_settings(catalog(), Environment(home=self.home, config=Path(self.config)))

    @contextmanager
    def workspace(self, run_id: str, *, allow_cost: bool = False) -> Generator["Workspace"]:
        """Give an open workspace; what this run makes carries its id."""
        from market_data.pipeline.workspace import opened  # noqa: PLC0415  loading definitions must not wait for polars

        with opened(self.settings(), run_id, allow_cost=allow_cost) as workspace:
            yield workspace

    @contextmanager
    def sql(self, as_of: "Moment | None" = None) -> Generator["WarehouseConnection"]:
        """Give a DuckDB connection on which each query reads what counted when it was opened, or at a moment.

        In memory, since a shared DuckDB file would lock out every second process.

        Args:
            as_of: the number of a commit, or a time.
        """
        from dagster_duckdb import DuckDBResource  # noqa: PLC0415  loading definitions must not wait for DuckDB

        from market_data.warehouse.sql import opened  # noqa: PLC0415

        with self.workspace("sql") as workspace, DuckDBResource(database=":memory:").get_connection() as connection:
            yield opened(connection, workspace.warehouse, as_of)
