"""`market-data query`: ask the warehouse in SQL. How answers are written: `query_results`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from market_data.cli.errors import CommandFailed
from market_data.cli.home import check_home, open_sql
from market_data.domain.errors import ConfigurationError

if TYPE_CHECKING:
    check_home()
    import duckdb

    from market_data.warehouse.sql import Moment

Format = Literal["table", "csv", "json", "parquet", "arrow", "xlsx"]
_ENDINGS: dict[str, Format] = {
    **{".csv": "csv", ".csv.gz": "csv", ".json": "json", ".json.gz": "json", ".parquet": "parquet"},
    **{".arrow": "arrow", ".feather": "arrow", ".xlsx": "xlsx", ".txt": "table"},
}
_NO_TEXT = ("parquet", "arrow", "xlsx")
_WRITES = {"INSERT", "UPDATE", "DELETE", "MERGE_INTO", "CREATE", "CREATE_FUNC", "ALTER", "DROP"}


def command(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="The query; `-` reads it from standard input.")],
    format_: Annotated[
        Format | None,
        typer.Option(
            "--format", "-f", help="How to write the answer. Default: by the file's ending, on the screen a table."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as `--format json`; errors are JSON too.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help=f"Write every row to this file, or none. Endings: {', '.join(_ENDINGS)}."),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="TIME|COMMIT", help="What counted then: ISO 8601, UTC unless it names a zone; or a commit's number."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Most rows of a table on the screen; 0 shows all.")] = 1_000,
) -> None:
    """Ask the warehouse in SQL (DuckDB's).

    Each table is a view of its name (`trades`, `quotes`, `candles`, `instruments`, `quality_reports`, ...) with the
    columns `feed`, `symbol` and `date` first. Conditions on these three decide which files are opened at all. Instants
    are nanosecond timestamps, UTC.

    In JSON and CSV, instants are ISO 8601 with every digit, and in JSON decimals are strings, since readers of JSON
    cut numbers to 15 digits or so; whole numbers stay numbers. In a sheet of Excel (`.xlsx`) decimals, ids and instants
    are text for the same reason.

    For example:

    - `market-data query "SELECT * FROM trades WHERE feed = 'demo' AND date = '2024-01-15' LIMIT 10"`

    - `market-data query "DESCRIBE candles"`

    - `market-data query -o hours.parquet "SELECT * FROM candles WHERE timeframe = '1h'"`

    - `market-data query --as-of 2024-06-01 "SELECT symbol, count(*) FROM trades GROUP BY ALL"`
    """
    format_ = _format(format_, as_json, output)
    query = sys.stdin.read() if sql == "-" else sql
    moment = _moment(as_of)
    check_home()
    import duckdb

    with open_sql(moment) as connection:
        from market_data.cli import query_results

        try:
            _must_ask(connection.extract_statements(query))
            query_results.write(connection.sql(query), format_, output, limit)
        except duckdb.Error as error:
            raise _plain(error) from error


def _format(asked: Format | None, as_json: bool, output: Path | None) -> Format:
    if as_json and asked not in {None, "json"}:
        raise typer.BadParameter(f"is {asked}, but --json was asked for too", param_hint="--format")
    wanted: Format | None = "json" if as_json else asked
    found = wanted or ("table" if output is None else _by_ending(output))
    if found in _NO_TEXT and output is None:
        raise typer.BadParameter(f"is needed for {found}, which is no text", param_hint="--output")
    return found


def _by_ending(output: Path) -> Format:
    for ending, found in _ENDINGS.items():
        if output.name.lower().endswith(ending):
            return found
    raise typer.BadParameter(
        f"{output.name!r} ends in none of {', '.join(_ENDINGS)}; --format says what else to write",
        param_hint="--output",
    )


def _must_ask(statements: "list[duckdb.Statement]") -> None:
    """Raise an error where SQL asks nothing, or would change what it can only read."""
    if not statements:
        raise ConfigurationError("SQL is empty; expected a query, such as 'FROM trades LIMIT 5'")
    if changes := [each.type.name for each in statements if each.type.name in _WRITES]:
        raise ConfigurationError(
            f"{changes[0].split('_')[0]} would change tables, and `query` only reads; rows come by `market-data ingest`"
        )


def _moment(text: str | None) -> "Moment | None":
    from market_data.domain.time import parse_instant

    try:
        if text is None or (text.isdecimal() and text.isascii()):
            return None if text is None else int(text)
        return parse_instant(text)
    except ValueError:
        raise ConfigurationError(
            f"--as-of is {text!r}; expected ISO 8601, such as 2024-01-15T09:30 (UTC), or the number of a commit"
        ) from None


def _plain(error: "duckdb.Error") -> Exception:
    """DuckDB's message in one line; for a table that does not exist, those that do."""
    import re
    from difflib import get_close_matches

    from market_data.domain.columns import table_names

    text = str(error)
    missing = re.search(r"Table with name (\S+) does not exist", text)
    if missing is None:
        return CommandFailed(" ".join(text.partition("\n\nLINE ")[0].split()), "QueryFailed")
    close = get_close_matches(missing[1].lower(), table_names(), 1)
    meant = f"; did you mean {close[0]}?" if close else ""
    return CommandFailed(f"there is no table {missing[1]}{meant} There are: {', '.join(table_names())}", "QueryFailed")
