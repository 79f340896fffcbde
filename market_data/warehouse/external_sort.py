"""Order and uniqueness of a staged file that did not come in order, by DuckDB with a memory limit that spills to disk.

Only what could not be proved as a stream comes here: keeping every id in memory took 1.0 GB for 20 M of them.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from market_data.domain.contract import polars_schema
from market_data.domain.errors import MAKE_ROOM, StorageTrouble
from market_data.domain.ports.source import Delivery

_MEMORY = "512MB"
_ROWS_PER_BATCH = 262_144


@dataclass(frozen=True, slots=True)
class Repeats:
    """Rows whose identity an earlier row has, by their position in the file: equal ones and differing ones."""

    equal: Sequence[int]
    differing: Sequence[int]


@contextmanager
def opened(path: Path, delivery: Delivery, order: Sequence[str]) -> Generator["Disordered"]:
    """Give a staged file, to be looked at again.

    Raises:
        StorageTrouble: what does not fit into memory does not fit onto the disk beside the file, either.
    """
    spill = path.parent / "spill"
    try:
        with duckdb.connect(":memory:") as connection:
            connection.execute(f"SET memory_limit = '{_MEMORY}'")
            connection.execute("SET temp_directory = ?", [str(spill)])
            yield Disordered(connection, path, delivery, order)
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise StorageTrouble(f"{spill}: {' '.join(str(error).split())}; {MAKE_ROOM}") from error


class Disordered:
    """Rows of one staged file that are not in order, or not proved unique."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, path: Path, delivery: Delivery, order: Sequence[str]
    ) -> None:
        self._connection = connection
        self._delivery = delivery
        self._order = order
        self._columns = list(polars_schema(delivery.schema))
        source = f"read_parquet('{str(path).replace(chr(39), chr(39) * 2)}', file_row_number = true)"
        connection.execute(f"CREATE VIEW staged AS SELECT * RENAME (file_row_number AS position) FROM {source}")

    def repeats(self) -> Repeats:
        """Return the rows that repeat an identity; the first of them, in the vendor's order, is the one that stays."""
        if not self._delivery.identity:
            return Repeats((), ())
        ids = list(self._delivery.identity)
        again = f"SELECT {_names(ids)} FROM staged GROUP BY ALL HAVING count(*) > 1"
        rows = _frame(self._connection.sql(f"SELECT * FROM staged SEMI JOIN ({again}) USING ({_names(ids)})"))
        rows = rows.sort("position").with_columns(pl.int_range(pl.len()).over(ids).alias("nth"))
        values = [name for name in self._columns if name not in {*ids, "ordinal"}]
        same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).first().over(ids)) for name in values)
        judged = rows.with_columns(same.alias("same")).filter(pl.col("nth") > 0)
        equal, differing = judged.filter("same"), judged.filter(~pl.col("same"))
        return Repeats(equal["position"].to_list(), differing["position"].to_list())

    def rows(self, without: Sequence[int]) -> Iterator[pl.DataFrame]:
        """Yield the rows but for those at the positions given, in the table's order, numbered anew."""
        self._connection.register(
            "without", pl.DataFrame({"position": without}, schema={"position": pl.Int64}).to_arrow()
        )
        numbered = {name: f'"{name}"' for name in self._columns}
        if self._delivery.identity and "ordinal" in numbered:
            (first, *_) = self._delivery.identity
            by = f'CAST("{first}" AS HUGEINT)' if self._delivery.running_id else "position"
            numbered["ordinal"] = f"row_number() OVER (ORDER BY {by}) - 1 AS ordinal"
        rows = f"SELECT {', '.join(numbered.values())}, position FROM staged ANTI JOIN without USING (position)"
        query = f"SELECT * EXCLUDE (position) FROM ({rows}) ORDER BY {_names(self._order)}, position"
        schema = polars_schema(self._delivery.schema)
        for batch in self._connection.sql(query).to_arrow_reader(_ROWS_PER_BATCH):
            frame = pl.DataFrame(pl.from_arrow(batch))
            yield frame.cast({**schema})


def _frame(relation: duckdb.DuckDBPyRelation) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(relation.to_arrow_table()))


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)
