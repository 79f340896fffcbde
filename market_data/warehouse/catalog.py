"""`warehouse.duckdb`: a disposable file of views for the duckdb shell, DBeaver and notebooks. No data lies in it."""

import datetime as dt
import os
from collections.abc import Mapping
from pathlib import Path

import duckdb

from market_data.domain.columns import table_names
from market_data.domain.errors import ConfigurationError
from market_data.storage.files import make_folder, publish, sync_file
from market_data.warehouse.file_store import CATALOG_MARK, FolderFiles
from market_data.warehouse.store import Warehouse
from market_data.warehouse.views import Views, prepare

_OLDEST = "v1.2.0"
"""The DuckDB whose storage format the file has, so that tools with an older DuckDB than ours open it."""


def write_catalog(warehouse: Warehouse, path: Path) -> Mapping[str, int]:
    """Write the views of what counts now into a new file and move it over `path` in one step.

    Whoever has the old file open keeps reading the old one (on Linux and macOS; Windows refuses to replace a file
    that is open). The views hold absolute paths, and name the files of this moment: once something is committed
    later, or files are compacted, every query of them is an error that says so. They are read by tools that check no
    hash.

    Returns how many files each view lists.
    """
    files = warehouse.files
    if not isinstance(files, FolderFiles):
        raise ConfigurationError("a catalog is views over local files that stay, and a bucket has none")
    files.folder()
    with warehouse.ledger.turn():  # no commit comes between the mark and the views, or they say that they are old
        number = warehouse.ledger.last_commit
        files.mark(number)
    mark = str(files.root.absolute() / CATALOG_MARK).replace("'", "''")
    since = "and more was committed since, or files were compacted"
    old = f"this catalog is of commit {number}, {since}: make it anew with market-data catalog"
    guard = f"(SELECT CASE WHEN content = '{number}' THEN true ELSE error('{old}') END FROM read_text('{mark}'))"
    make_folder(path.absolute().parent)
    staged = path.absolute().with_name(f".{path.name}.{os.getpid()}")
    try:
        with duckdb.connect(":memory:") as connection:
            place = str(staged).replace("'", "''")
            connection.execute(f"ATTACH '{place}' AS catalog (STORAGE_VERSION '{_OLDEST}')")
            connection.execute("USE catalog")
            prepare(connection, files)
            with warehouse.ledger.reader() as reader:
                views = Views(connection, files, reader, number, guard=guard)
                views.make_all(table_names(), checked=False)
                listed = views.listed
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
