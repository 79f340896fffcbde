"""A query's answer as a table for people, or as CSV, JSON or Parquet. What is asked stands in `query`."""

import csv
import io
import json
import math
import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from market_data.cli.console import note, print_table, shown_size, status

if TYPE_CHECKING:
    import duckdb

_ROWS_PER_BATCH = 50_000
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT")
_PLAIN = (*_NUMBERS, "FLOAT", "DOUBLE", "VARCHAR")


def write(relation: "duckdb.DuckDBPyRelation", format_: str, output: Path | None, limit: int) -> None:
    """Write the answer to standard output or, whole or not at all, to a file."""
    if format_ == "table":
        _write_table(relation, output, limit)
        return
    writers = {"csv": _write_csv, "json": _write_json, "parquet": _write_parquet}
    if output is None:
        writers[format_](relation, sys.stdout.buffer)
        return
    with status("asking"), _whole(output) as file:
        writers[format_](relation, file)
    _tell_of(output)


def _tell_of(output: Path) -> None:
    note(f"wrote {output} ({shown_size(output.stat().st_size)})")


@contextmanager
def _whole(output: Path) -> Generator[IO[bytes]]:
    """Give a file that takes its name when it is whole."""
    staged = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        with staged.open("wb") as file:
            yield file
        staged.replace(output)
    finally:
        staged.unlink(missing_ok=True)


def names_of(relation: "duckdb.DuckDBPyRelation") -> list[str]:
    """Return names of columns, each once: a join may give two of the same."""
    names: list[str] = []
    for name in relation.columns:
        n = 1
        while (unique := name if n == 1 else f"{name}_{n}") in names:
            n += 1
        names.append(unique)
    return names


def _texts(relation: "duckdb.DuckDBPyRelation", plain: tuple[str, ...]) -> "duckdb.DuckDBPyRelation":
    """Return the same rows; all but types that are `plain` is text.

    Instants are put together from DuckDB's own text: its `strftime` with `%n` garbles what follows it (2.0.0).
    """
    columns: list[str] = []
    for number, (name, kind) in enumerate(zip(names_of(relation), map(str, relation.types), strict=True), start=1):
        value = f"#{number}"
        if kind == "TIMESTAMP WITH TIME ZONE":
            value = f"{value} AT TIME ZONE 'UTC'"
        if kind.startswith("TIMESTAMP"):
            value = f"replace(CAST({value} AS VARCHAR), ' ', 'T') || 'Z'"
        elif kind not in plain:
            value = f"CAST({value} AS VARCHAR)"
        columns.append(f"{value} AS {_quoted(name)}")
    return relation.project(", ".join(columns))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _batches(relation: "duckdb.DuckDBPyRelation") -> Any:
    """Return a `pyarrow.RecordBatchReader`."""
    return relation.to_arrow_reader(_ROWS_PER_BATCH)


def _write_parquet(relation: "duckdb.DuckDBPyRelation", file: IO[bytes]) -> None:
    """Through Arrow: DuckDB itself would write its 128-bit sums of whole numbers as doubles."""
    import pyarrow.parquet as pq

    reader = _batches(relation.project(", ".join(f"#{n} AS {_quoted(c)}" for n, c in enumerate(names_of(relation), 1))))
    with pq.ParquetWriter(file, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)


def _write_csv(relation: "duckdb.DuckDBPyRelation", file: IO[bytes]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    try:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names_of(relation))
        for batch in _batches(_texts(relation, _PLAIN)):
            writer.writerows(zip(*(column.to_pylist() for column in batch.columns), strict=True))
    finally:
        text.detach()


def _write_json(relation: "duckdb.DuckDBPyRelation", file: IO[bytes]) -> None:
    """An array of objects, a line each."""
    separator = b"[\n"
    for batch in _batches(_texts(relation, (*_PLAIN, "BOOLEAN"))):
        for row in batch.to_pylist():
            line = json.dumps({name: _json_value(value) for name, value in row.items()}, ensure_ascii=False)
            file.write(separator + line.encode())
            separator = b",\n"
    file.write(b"\n]\n" if separator == b",\n" else b"[]\n")


def _json_value(value: Any) -> Any:
    if isinstance(value, Decimal):  # a 128-bit whole number: every other decimal is text already
        return int(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _write_table(relation: "duckdb.DuckDBPyRelation", output: Path | None, limit: int) -> None:
    names, kinds = names_of(relation), [str(kind) for kind in relation.types]
    columns = ", ".join(f"CAST(#{n} AS VARCHAR) AS {_quoted(name)}" for n, name in enumerate(names, start=1))
    texts = relation.project(columns)
    remark = ""
    with status("asking"):
        rows = (texts.limit(limit + 1) if limit else texts).fetchall()
        if limit and len(rows) > limit:
            ((total,),) = relation.aggregate("count(*)").fetchall()
            rows = rows[:limit]
            remark = f"{limit:,} of {total:,} rows shown; --limit 0 shows all"
    cells = [_column(kind, [row[n] for row in rows]) for n, kind in enumerate(kinds)]
    if output is None:
        remark = "\n".join(filter(None, [print_table(names, kinds, cells), remark]))
    else:
        with _whole(output) as file:
            text = io.TextIOWrapper(file, encoding="utf-8")
            print_table(names, kinds, cells, text)
            text.detach()
        _tell_of(output)
    if remark:
        note(remark)


def _column(kind: str, values: Sequence[str | None]) -> list[str]:
    """Decimals with as many digits as the column's longest needs; all others as they are."""
    if kind.startswith("DECIMAL"):
        digits = max((len(v.partition(".")[2].rstrip("0")) for v in values if v is not None), default=0)
        values = [v if v is None else _cut(v, digits) for v in values]
    return ["NULL" if v is None else v for v in values]


def _cut(text: str, digits: int) -> str:
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction[:digits]}" if digits else whole
