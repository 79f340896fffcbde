"""`warehouse.duckdb`: a disposable file of views for the duckdb shell, DBeaver and notebooks. No data lies in it."""

import datetime as dt
import os
from collections.abc import Mapping
from pathlib import Path

import duckdb

from market_data.storage.files import make_folder, publish, sync_file
from market_data.warehouse.store import Warehouse
from market_data.warehouse.views import create_views

_OLDEST = "v1.2.0"
"""The DuckDB whose storage format the file has, so that tools with an older DuckDB than ours open it."""


def write_catalog(warehouse: Warehouse, path: Path) -> Mapping[str, int]:
    """Write the views of what counts now into a new file and move it over `path` in one step.

    Whoever has the old file open keeps reading the old one (on Linux and macOS; Windows refuses to replace a file
    that is open). The views hold absolute paths, and name the files of this moment: what is committed later needs a
    new catalog, what is replaced later is read as it then is.

    Returns:
        How many files each view lists.
    """
    make_folder(path.absolute().parent)
    staged = path.absolute().with_name(f".{path.name}.{os.getpid()}")
    try:
        with duckdb.connect(":memory:") as connection:
            place = str(staged).replace("'", "''")
            connection.execute(f"ATTACH '{place}' AS catalog (STORAGE_VERSION '{_OLDEST}')")
            connection.execute("USE catalog")
            listed = create_views(connection, warehouse)
            _sign(connection, warehouse)
            connection.execute("USE memory")
            connection.execute("DETACH catalog")
        sync_file(staged)
        publish(staged, path.absolute())
    finally:
        for left in (staged, staged.with_name(f"{staged.name}.wal")):
            left.unlink(missing_ok=True)
    return listed


def _sign(connection: duckdb.DuckDBPyConnection, warehouse: Warehouse) -> None:
    connection.execute("CREATE TABLE _market_data (made_at TIMESTAMP, warehouse VARCHAR, note VARCHAR)")
    note = "Disposable: views only, over the files of that moment. `market-data catalog` makes it anew."
    made_at = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    connection.execute("INSERT INTO _market_data VALUES (?, ?, ?)", [made_at, str(warehouse.root.absolute()), note])
    connection.execute(f"COMMENT ON TABLE _market_data IS '{note}'")
