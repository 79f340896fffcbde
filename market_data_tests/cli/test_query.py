"""`market-data query`: every format, exact numbers, the past, and what is said of mistakes."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import polars as pl
import pytest

from market_data.domain.time import to_datetime
from market_data.warehouse.store import Warehouse
from market_data_tests.cli.conftest import Home
from market_data_tests.partition_view import trade
from market_data_tests.partitions import put

EVERYTHING = "FROM trades WHERE date = '2024-01-15' ORDER BY ordinal"


def test_a_table_shows_the_digits_that_are_there_and_what_is_null(home: Home) -> None:
    head, _, *rows = home.lines("query", "SELECT symbol, price, ts_event, side, ts_recv " + EVERYTHING)
    assert head.split("|")[1].strip() == "symbol"
    cells = [cell.strip() for cell in rows[0].split("|")[1:-1]]
    assert cells == ["AAA-USD", "100.123456789", "2024-01-15 00:00:00.123456789", "buy", "NULL"]
    assert len(rows) == 3


def test_a_table_that_is_cut_says_so_and_how_to_see_the_rest(home: Home) -> None:
    result = home.run("query", EVERYTHING, "--limit", "2")
    assert result.stderr == "2 of 3 rows shown; --limit 0 shows all\n"
    assert len(result.stdout.splitlines()) == 4
    whole = home.run("query", EVERYTHING, "--limit", "0")
    assert (len(whole.stdout.splitlines()), whole.stderr) == (5, "")


def test_csv_has_every_digit_and_iso_times(home: Home) -> None:
    query = "SELECT price, ts_event, 5.0::DOUBLE AS d, 'a,\"b' AS t, NULL AS n, true AS b, [1.5] AS l " + EVERYTHING
    rows = list(csv.reader(io.StringIO("\n".join(home.lines("query", "-f", "csv", query)))))
    assert rows[0] == ["price", "ts_event", "d", "t", "n", "b", "l"]
    assert rows[1] == ["100.123456789", "2024-01-15T00:00:00.123456789Z", "5.0", 'a,"b', "", "true", "[1.5]"]


def test_json_has_decimals_as_strings_whole_numbers_as_numbers_and_nothing_that_json_lacks(home: Home) -> None:
    query = """
        SELECT price, volume, 'nan'::DOUBLE AS nan,
            sum(ordinal) OVER () + 170141183460469231731687303715884105000 AS big,
            TIMESTAMPTZ '2024-01-15 01:00:00.5+01' AS zoned, DATE '2024-01-15' AS day, true AS yes, 1.5::DOUBLE AS half
        FROM trades JOIN candles USING (feed, symbol, date) WHERE ordinal = 0 LIMIT 1
    """
    (row,) = json.loads("\n".join(home.lines("query", "--json", query)))
    assert row == {
        "price": "100.123456789",
        "volume": "10.000000000",
        "nan": "nan",
        "big": 170141183460469231731687303715884105000,
        "zoned": "2024-01-15T00:00:00.5Z",
        "day": "2024-01-15",
        "yes": True,
        "half": 1.5,
    }


def test_no_rows_are_an_empty_list_in_json(home: Home) -> None:
    assert home.lines("query", "--json", "FROM quotes") == ["[]"]


def test_columns_of_the_same_name_are_told_apart(home: Home) -> None:
    (row,) = json.loads("\n".join(home.lines("query", "--json", "SELECT 1 AS a, 2 AS a, 3 AS a_2")))
    assert row == {"a": 1, "a_2": 2, "a_2_2": 3}


def test_parquet_keeps_the_types(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "answer.parquet"
    home.lines("query", "-o", path, "SELECT price, ts_event, sum(ordinal) OVER () AS total " + EVERYTHING)
    with duckdb.connect() as connection:
        described = connection.execute(f"DESCRIBE FROM '{path}'").fetchall()
        first = connection.execute(f"SELECT price, ts_event::VARCHAR, total FROM '{path}' LIMIT 1").fetchone()
    assert [kind for _, kind, *_ in described] == ["DECIMAL(18,9)", "TIMESTAMP_NS", "DECIMAL(38,0)"]
    assert first == (Decimal("100.123456789"), "2024-01-15 00:00:00.123456789", Decimal(3))


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "json", "txt", "arrow", "feather", "xlsx", "parquet"])
def test_the_format_follows_the_ending_of_the_file_and_the_file_is_told(
    home: Home, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"answer.{ending}"
    result = home.run("query", "-o", path, "SELECT symbol " + EVERYTHING)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith(f"wrote {path} (")
    assert rows_of(path) == 3


def rows_of(path: Path) -> int:
    """How many rows a file has, by its ending."""
    readers: dict[str, Callable[[], int]] = {
        ".csv": lambda: len(pl.read_csv(path)),
        ".gz": lambda: len(gzip.decompress(path.read_bytes()).splitlines()) - 1,
        ".json": lambda: len(json.loads(path.read_text())),
        ".txt": lambda: len(path.read_text().splitlines()) - 2,
        ".parquet": lambda: len(pl.read_parquet(path)),
        ".arrow": lambda: len(pl.read_ipc(path)),
        ".feather": lambda: len(pl.read_ipc(path)),
        ".xlsx": lambda: len(sheet_of(path)) - 1,
    }
    return readers[path.suffix]()


def sheet_of(path: Path) -> list[list[tuple[str, str]]]:
    """The cells of a workbook's only sheet, row by row: their type, `n` for numbers, and their text as it is stored."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(path) as book:
        (name,) = [each for each in book.namelist() if each.startswith("xl/worksheets/sheet")]
        sheet = ElementTree.fromstring(book.read(name))
    return [
        [(cell.get("t", "n"), "".join(cell.itertext())) for cell in row.iter(f"{space}c")]
        for row in sheet.iter(f"{space}row")
    ]


@pytest.mark.parametrize("name", ["answer.xls", "answer", "answer.csv.zip", "answer.parquet.gz"])
def test_a_file_with_an_ending_that_says_nothing_is_refused(home: Home, tmp_path: Path, name: str) -> None:
    result = home.run("query", "-o", tmp_path / name, "SELECT 1")
    assert (result.exit_code, list(tmp_path.glob("answer*"))) == (2, [])
    assert "ends in none of" in result.stderr
    assert home.run("query", "-o", tmp_path / name, "-f", "json", "SELECT 1").exit_code == 0


@pytest.mark.parametrize("ending", ["txt", "csv.gz", "xlsx", "feather"])
def test_a_file_is_never_cut(home: Home, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"answer.{ending}"
    assert home.run("query", "-o", path, "--limit", "10", "SELECT range AS n FROM range(35011)").exit_code == 0
    assert rows_of(path) == 35011


def test_a_sheet_has_every_digit_as_text_and_no_formula(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "answer.xlsx"
    columns = "1.10::DECIMAL(18,9) AS price, 7 AS trade_id, 7 AS bid, 1000000000000001 AS whole, true AS yes"
    more = "'=1+1' AS text, 'nan'::DOUBLE AS float, 0.5::DOUBLE AS half, TIMESTAMP '2024-01-15' AS at, NULL AS nothing"
    assert home.run("query", "-o", path, f"SELECT {columns}, {more}").exit_code == 0
    names, values = sheet_of(path)
    assert [text for _, text in names][:3] == ["price", "trade_id", "bid"]
    text = "inlineStr"
    assert values == [
        *((text, "1.100000000"), (text, "7"), ("n", "7"), (text, "1000000000000001"), ("b", "1"), (text, "=1+1")),
        *((text, "nan"), ("n", "0.5"), (text, "2024-01-15T00:00:00Z")),
    ]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT 1 FROM range(1048576)", "a sheet of Excel holds 1,048,575 rows"),
        ("SELECT repeat('x', 32768) AS long", "a cell of Excel holds 32,767 characters; one of long has more"),
    ],
)
def test_what_a_sheet_cannot_hold_is_refused_and_no_file_is_left(
    home: Home, tmp_path: Path, query: str, said: str
) -> None:
    result = home.run("query", "-o", tmp_path / "answer.xlsx", query)
    assert said in result.stderr
    assert (result.exit_code, list(tmp_path.glob("*answer*"))) == (2, [])


@pytest.mark.parametrize("sql", ["INSERT INTO trades VALUES (1)", "DELETE FROM trades", "CREATE TABLE x AS SELECT 1"])
def test_sql_that_would_change_something_is_told_that_queries_only_read(home: Home, sql: str) -> None:
    result = home.run("query", sql)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "would change tables, and `query` only reads; rows come by `market-data ingest`" in result.stderr


def test_a_file_is_written_whole_or_not_at_all(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "answer.csv"
    path.write_text("before")
    result = home.run("query", "-o", path, "SELECT CAST(trade_id || 'x' AS INT) FROM trades")
    assert result.exit_code == 1
    assert path.read_text() == "before"
    assert [file.name for file in tmp_path.iterdir() if "answer" in file.name] == ["answer.csv"]


def test_a_query_can_come_from_standard_input(home: Home) -> None:
    result = home.run("query", "-", "-f", "csv", stdin="SELECT count(*) AS n FROM trades")
    assert result.stdout == "n\n4\n"


def test_as_of_shows_what_counted_then(home: Home, warehouse: Warehouse) -> None:
    partition = home.settings.feeds["sim"].partition("BBB-USD", home.settings.feeds["sim"].start)
    first = put(warehouse, "trades", partition, [trade(0, price="1")])
    put(warehouse, "trades", partition, [trade(0, price="2")])
    query = "SELECT price::INT AS price FROM trades WHERE symbol = 'BBB-USD'"
    then = to_datetime(first.committed_ns + 1_000).isoformat()
    assert home.lines("query", "-f", "csv", query, "--as-of", then) == ["price", "1"]
    assert home.lines("query", "-f", "csv", query, "--as-of", "2001-01-01") == ["price"]
    assert home.lines("query", "-f", "csv", query) == ["price", "2"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["FROM trade"], 1, "error: there is no table trade; did you mean trades? There are: "),
        (["SELEC 1"], 1, 'error: Parser Error: syntax error at or near "SELEC"'),
        (["SELECT nothing FROM trades"], 1, 'error: Binder Error: Referenced column "nothing" not found'),
        (["/* nothing */"], 2, "error: SQL is empty; expected a query"),
        (["SELECT 1", "--as-of", "yesterday"], 2, "error: --as-of is 'yesterday'; expected ISO 8601"),
        (["SELECT 1", "-o", "/no/such/folder/x.csv"], 1, "error: /no/such/folder"),
    ],
)
def test_a_mistake_is_one_plain_line(home: Home, words: list[str], code: int, said: str) -> None:
    result = home.run("query", *words)
    assert result.exit_code == code
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


@pytest.mark.parametrize(
    "words", [["SELECT 1", "-f", "parquet"], ["SELECT 1", "-f", "xml"], ["SELECT 1", "--json", "-f", "csv"], []]
)
def test_wrong_usage_is_2(home: Home, words: list[str]) -> None:
    assert home.run("query", *words).exit_code == 2


@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        (["FROM trade"], 1, "QueryFailed"),
        (["1", "--as-of", "x"], 2, "ConfigurationError"),
        (["1", "--no"], 2, "WrongUsage"),
    ],
)
def test_with_json_an_error_is_json_too(home: Home, words: list[str], code: int, kind: str) -> None:
    result = home.run("query", "--json", *words)
    assert result.exit_code == code
    assert json.loads(result.stderr)["error"]["kind"] == kind


def test_where_nothing_is_yet_it_says_what_fills_it(empty_home: Home) -> None:
    result = empty_home.run("query", "FROM trades")
    assert result.exit_code == 2
    assert "`market-data demo` fills it" in result.stderr
    assert not empty_home.settings.home.exists()
