"""The quarantine of a partition: one file for all its tables, in which each table's records are replaced together."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from market_data.domain.account import Account
from market_data.domain.errors import PartitionBusy
from market_data.domain.partition import Partition
from market_data.domain.tables._base import polars_schema
from market_data.domain.tables.quarantine import TABLE, Quarantine
from market_data.pipeline.workspace import Workspace
from market_data.warehouse.store import Origin

_TRIES = 20
_WITHOUT_RUN = [name for name in polars_schema(Quarantine) if name != "run_id"]


def set_aside(
    workspace: Workspace, partition: Partition, table: str, rejected: Sequence[dict[str, Any]], origin: Origin
) -> None:
    """Make `rejected` the records of `table` that stand in the partition's quarantine.

    The same records as before keep the run that first set them aside, so that nothing changes on disk.

    Raises:
        PartitionBusy: other processes kept replacing the same partition's quarantine.
    """
    for attempt in range(_TRIES):
        try:
            return _replace(workspace, partition, table, rejected, origin)
        except PartitionBusy:
            if attempt == _TRIES - 1:
                raise
    return None


def _replace(
    workspace: Workspace, partition: Partition, table: str, rejected: Sequence[dict[str, Any]], origin: Origin
) -> None:
    warehouse = workspace.warehouse
    current = warehouse.current(TABLE.name, partition)
    if current is None and not rejected:
        return
    before = warehouse.scan(TABLE.name, partition).collect()
    others = before.filter(pl.col("table") != table)
    rows = [{**row, "run_id": workspace.run_id} for row in rejected]
    after = pl.concat([others, pl.DataFrame(rows, schema=polars_schema(Quarantine))]).sort(TABLE.order)
    if after.select(_WITHOUT_RUN).equals(before.select(_WITHOUT_RUN)):
        return
    with warehouse.stage(TABLE.name, partition, Quarantine) as staged:
        staged.write(after)
        account = Account(records=len(after), accepted=len(after))
        staged.commit(account, origin, after=current.revision if current else None)
