"""Plain DuckDB views with the tables' names over exactly the files that the ledger names. Nothing is written but views.

A file is listed by its exact path: no folder is searched, so what else lies about in the warehouse is never read.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import duckdb
import polars as pl
from sqlalchemy import select, true

from market_data.domain.contract import Table, polars_schema
from market_data.domain.errors import ConfigurationError, WarehouseDamaged
from market_data.domain.tables import table as table_named
from market_data.domain.tables import table_names
from market_data.ledger.schema import revisions
from market_data.warehouse.pruning import KEYS, Condition, needed
from market_data.warehouse.store import Warehouse

Shape = Mapping[str, str]
"""Columns in order: names to SQL types."""

_KEY_TYPES: Shape = {"feed": "VARCHAR", "symbol": "VARCHAR", "date": "DATE"}
_SQL_TYPES: Mapping[type[pl.DataType], str] = {
    pl.Int64: "BIGINT",
    pl.Float64: "DOUBLE",
    pl.Boolean: "BOOLEAN",
    pl.String: "VARCHAR",
}
_shapes: dict[str, Shape] = {}  # by fingerprint, which determines it: no file is opened twice for its columns


def connect(warehouse: Warehouse, query: str | None = None, as_of: int | None = None) -> duckdb.DuckDBPyConnection:
    """A connection in memory with the views; close it after use. See `create_views`."""
    connection = duckdb.connect(":memory:")
    connection.execute("SET python_enable_replacements = false")  # a name is a table, never a variable of Python
    create_views(connection, warehouse, query, as_of)
    return connection


def create_views(
    connection: duckdb.DuckDBPyConnection,
    warehouse: Warehouse,
    query: str | None = None,
    as_of: int | None = None,
) -> Mapping[str, int]:
    """Make the tables' views, or make them anew: what is committed later is not in them.

    Columns are `feed`, `symbol`, `date`, then the table's, then those of single sources; instants are TIMESTAMP_NS,
    UTC. DuckDB opens a file more than once: where a partition is replaced between, the query ends with an error of
    DuckDB about the file, and the views must be made anew.

    Args:
        query: makes only the views that it names, over only the files that can matter to its answer.
        as_of: what counted then, ns since the epoch, UTC; without it what counts now.

    Returns:
        How many files each view lists.

    Raises:
        WarehouseDamaged: a file that the ledger names is not there.
        ConfigurationError: a folder above the warehouse is named like those of partitions.
    """
    if named := [part for part in warehouse.root.absolute().parts if part.partition("=")[0] in KEYS and "=" in part]:
        raise ConfigurationError(f"{warehouse.root}: a folder above the warehouse must not be named like {named[0]!r}")
    for setting in ("autoinstall_known_extensions = false", "autoload_known_extensions = false", "TimeZone = 'UTC'"):
        connection.execute(f"SET {setting}")
    needs = None if query is None else needed(connection, query, table_names())
    listed: dict[str, int] = {}
    for name in table_names() if needs is None else needs:
        files = _files(warehouse, name, true() if needs is None else needs[name], as_of)
        fingerprints = sorted({*files, *_fingerprints(warehouse, name, as_of)})
        shapes = {each: _shape(connection, warehouse, name, each, as_of) for each in fingerprints}
        connection.execute(_view(table_named(name), shapes, files))
        listed[name] = sum(len(paths) for paths in files.values())
    return listed


def _files(warehouse: Warehouse, table: str, condition: Condition, as_of: int | None) -> Mapping[str, list[str]]:
    """The files that a view reads, by the fingerprint of their columns."""
    c = revisions.c
    query = select(c.columns, c.path, c.sha256).where(c.table_name == table, condition)
    files: defaultdict[str, list[str]] = defaultdict(list)
    root = warehouse.root.absolute().as_posix()
    found = warehouse.ledger.rows(query.order_by(c.feed, c.date, c.symbol), as_of)
    warehouse.bring((path, digest) for _, path, digest in found)
    for columns, path, _ in found:
        files[columns].append(f"{root}/{path}")
    return files


def _fingerprints(warehouse: Warehouse, table: str, as_of: int | None) -> list[str]:
    """Of all the table's files, whatever is cut: a view has the same columns whatever the query asks for."""
    query = select(revisions.c.columns).distinct().where(revisions.c.table_name == table)
    return [columns for (columns,) in warehouse.ledger.rows(query, as_of)]


def _shape(
    connection: duckdb.DuckDBPyConnection, warehouse: Warehouse, table: str, fingerprint: str, as_of: int | None
) -> Shape:
    """The columns that have the fingerprint, from one of the files."""
    if fingerprint not in _shapes:
        c = revisions.c
        query = select(c.path, c.sha256).where(c.table_name == table, c.columns == fingerprint)
        ((path, digest),) = warehouse.ledger.rows(query.limit(1), as_of)
        warehouse.bring([(path, digest)])
        file = warehouse.root.absolute() / path
        if not file.exists():
            raise WarehouseDamaged(f"{table}: the ledger names {file}, which is not there")
        described = connection.execute("DESCRIBE FROM read_parquet(?, hive_partitioning = false)", [str(file)])
        _shapes[fingerprint] = {name: kind for name, kind, *_ in described.fetchall()}
    return _shapes[fingerprint]


def _view(table: Table, shapes: Mapping[str, Shape], files: Mapping[str, Sequence[str]]) -> str:
    own = {name: _sql_type(kind) for name, kind in polars_schema(table.schema).items()}
    distinct = {tuple(shape.items()): shape for shape in (own, *shapes.values())}
    parts = [_no_rows({**_KEY_TYPES, **shape}) for shape in distinct.values()]
    parts += [_rows(shapes[columns], paths) for columns, paths in files.items()]
    instants = ", ".join(f"make_timestamp_ns({_quoted(name)}) AS {_quoted(name)}" for name in table.times)
    star = f"* REPLACE ({instants})" if instants else "*"
    union = "\nUNION ALL BY NAME ".join(parts)
    return f"CREATE OR REPLACE VIEW {_quoted(table.name)} AS SELECT {star} FROM ({union})"


def _no_rows(shape: Shape) -> str:
    nulls = ", ".join(f"NULL::{kind} AS {_quoted(name)}" for name, kind in shape.items())
    return f"SELECT {nulls} WHERE false"


def _rows(shape: Shape, paths: Sequence[str]) -> str:
    """Without the types, symbol `1000` would become a number."""
    columns = ", ".join(map(_quoted, (*_KEY_TYPES, *shape)))
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    types = ", ".join(f"{name}: {kind}" for name, kind in _KEY_TYPES.items())
    return f"SELECT {columns} FROM read_parquet([{listed}], hive_partitioning = true, hive_types = {{{types}}})"


def _sql_type(kind: pl.DataType) -> str:
    return f"DECIMAL({kind.precision}, {kind.scale})" if isinstance(kind, pl.Decimal) else _SQL_TYPES[type(kind)]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
