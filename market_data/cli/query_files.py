"""A query's answer as CSV, JSON, Parquet, Arrow or a sheet of Excel: every row and every digit, or an error."""

import csv
import datetime as dt
import io
import json
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any

from market_data.domain.errors import ConfigurationError

if TYPE_CHECKING:
    import duckdb

_ROWS_PER_BATCH = 50_000
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT")
_PLAIN = (*_NUMBERS, "FLOAT", "DOUBLE", "VARCHAR")
_SHEET_ROWS, _SHEET_TEXT, _SHEET_COLUMNS = 1_048_576, 32_767, 16_384
"""What a sheet of Excel holds: rows, its line of names among them; characters of a cell; columns."""
_SHEET_DIGITS = 10**15
"""Excel keeps 15 digits of a number."""
_EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


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
        columns.append(f"{value} AS {quoted(name)}")
    return relation.project(", ".join(columns))


def quoted(name: str) -> str:
    """Return a name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def _own_names(relation: "duckdb.DuckDBPyRelation") -> "duckdb.DuckDBPyRelation":
    """Return the same with each column's name once."""
    return relation.project(", ".join(f"#{n} AS {quoted(name)}" for n, name in enumerate(names_of(relation), 1)))


def _batches(relation: "duckdb.DuckDBPyRelation") -> Any:
    """Return a `pyarrow.RecordBatchReader`."""
    return relation.to_arrow_reader(_ROWS_PER_BATCH)


def _write_parquet(relation: "duckdb.DuckDBPyRelation", file: IO[bytes]) -> None:
    """Through Arrow: DuckDB itself would write its 128-bit sums of whole numbers as doubles."""
    import pyarrow.parquet as pq

    reader = _batches(_own_names(relation))
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


def _write_arrow(relation: "duckdb.DuckDBPyRelation", file: IO[bytes]) -> None:
    """Write Arrow's file format, which is Feather, too."""
    import pyarrow as pa

    reader = _batches(_own_names(relation))
    with pa.ipc.new_file(file, reader.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        for batch in reader:
            writer.write_batch(batch)


def _write_sheet(relation: "duckdb.DuckDBPyRelation", file: IO[bytes]) -> None:
    """Write one sheet: decimals, ids, instants and whole numbers above 15 digits as text, as Excel would cut them.

    Raises:
        ConfigurationError: it has more rows, columns or characters in a cell than a sheet holds.
    """
    import xlsxwriter

    names = names_of(relation)
    if len(names) > _SHEET_COLUMNS:
        raise ConfigurationError(
            f"a sheet of Excel holds {_SHEET_COLUMNS:,} columns, and the answer has {len(names):,}"
        )
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    # Without a time of making, the same answer gives the same bytes.
    with xlsxwriter.Workbook(file, options) as book:
        book.set_properties({"created": _EPOCH})
        sheet = book.add_worksheet("answer")
        for place, name in enumerate(names):
            sheet.write_string(0, place, name)
        row = 0
        for batch in _batches(_texts(relation, (*_PLAIN, "BOOLEAN"))):
            if row + batch.num_rows >= _SHEET_ROWS:
                raise ConfigurationError(
                    f"a sheet of Excel holds {_SHEET_ROWS - 1:,} rows, and the answer has more; write csv.gz or parquet"
                )
            for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                row += 1
                for place, (name, value) in enumerate(zip(names, values, strict=True)):
                    _write_cell(sheet, row, place, name, value)


def _write_cell(sheet: Any, row: int, place: int, name: str, value: Any) -> None:
    match value:
        case None:
            pass
        case bool():
            sheet.write_boolean(row, place, value)
        case int() | Decimal() | float() if _is_number(name, value):
            sheet.write_number(row, place, value)
        case _:
            text = str(value)
            if len(text) > _SHEET_TEXT:
                raise ConfigurationError(f"a cell of Excel holds {_SHEET_TEXT:,} characters; one of {name} has more")
            sheet.write_string(row, place, text)


def _is_number(name: str, value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return abs(value) < _SHEET_DIGITS and not (name.lower() == "id" or name.lower().endswith("_id"))


WRITERS: Mapping[str, Callable[["duckdb.DuckDBPyRelation", IO[bytes]], None]] = {
    "csv": _write_csv,
    "json": _write_json,
    "parquet": _write_parquet,
    "arrow": _write_arrow,
    "xlsx": _write_sheet,
}
