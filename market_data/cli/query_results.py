"""A query's answer on the screen, as a table for people, or in a file. The formats of files stand in `query_files`."""

import gzip
import io
import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from market_data.cli.console import note, print_table, shown_size, status
from market_data.cli.query_files import WRITERS, names_of, quoted

if TYPE_CHECKING:
    import duckdb


def write(relation: "duckdb.DuckDBPyRelation", format_: str, output: Path | None, limit: int) -> None:
    """Write the answer to standard output or, whole or not at all, to a file; a name that ends in `.gz` packs it.

    Args:
        limit: most rows of a table on the screen; 0 is all. A file has every row.
    """
    if format_ == "table":
        _write_table(relation, output, limit)
        return
    if output is None:
        WRITERS[format_](relation, sys.stdout.buffer)
        return
    with status("asking"), _whole(output) as file:
        if output.suffix == ".gz":
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                WRITERS[format_](relation, cast("IO[bytes]", packed))
        else:
            WRITERS[format_](relation, file)
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


def _write_table(relation: "duckdb.DuckDBPyRelation", output: Path | None, limit: int) -> None:
    names, kinds = names_of(relation), [str(kind) for kind in relation.types]
    columns = ", ".join(f"CAST(#{n} AS VARCHAR) AS {quoted(name)}" for n, name in enumerate(names, start=1))
    texts = relation.project(columns)
    remark, limit = "", 0 if output is not None else limit
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
