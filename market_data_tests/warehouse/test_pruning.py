"""The cut of a query: few files where a day is asked for, and the same answer as without it, whatever is asked."""

import datetime as dt
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select

from market_data.domain.columns import table_names
from market_data.domain.partition import Partition
from market_data.domain.time import NS_PER_MINUTE, day_bounds
from market_data.ledger.ledger import Ledger
from market_data.ledger.schema import revisions
from market_data.warehouse.pruning import needs
from market_data.warehouse.query_tree import parsed
from market_data.warehouse.sql import connect
from market_data.warehouse.store import Warehouse
from market_data.warehouse.views import Views, known_tables
from market_data_tests.databases import ledger_url
from market_data_tests.kept_search import keep_what_is_found
from market_data_tests.partition_view import START, bar, trade
from market_data_tests.partitions import days, enter, put, row_of, warehouse_at

FEEDS, SYMBOLS, DAYS = ("a", "b"), ("X", "1000", "Y"), days("2024-01-15", 3)
PARTITIONS = [Partition(feed, day, symbol) for feed, day, symbol in product(FEEDS, DAYS, SYMBOLS)]
KNOWN: list[dict[str, Any]] = []
"""The ledger's row of each of them."""


# --- the same answer ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """The files of every partition; which of them count is up to each test. No two rows have the same time."""
    warehouse = warehouse_at(tmp_path_factory.mktemp("cut"))
    for number, partition in enumerate(PARTITIONS):
        two = [2 * number, 2 * number + 1]
        put(
            warehouse,
            "trades",
            partition,
            [trade(n, price=str(1 + n), ts_event=START + n * NS_PER_MINUTE) for n in two],
        )
        put(warehouse, "candles", partition, [bar(0, open=str(1 + n), ts_open=START + n) for n in two])
    with warehouse.ledger._engine.connect() as ledger:
        KNOWN[:] = [dict(row) for row in ledger.execute(select(revisions)).mappings()]
    yield warehouse
    warehouse.close()
    warehouse.ledger.close()


FEED_NAMES, SYMBOL_NAMES = st.sampled_from(["'a'", "'b'", "'zz'"]), st.sampled_from(["'X'", "'1000'", "'Y'", "''"])
ISO = st.sampled_from(["2024-01-14", "2024-01-15", "2024-01-16", "2024-01-17"])
DATES = st.builds(str.format, st.sampled_from(["'{}'", "DATE '{}'", "'{}'::DATE", "CAST('{}' AS date)"]), ISO)
ODD_TEXTS = st.sampled_from(["1000", "NULL", "'a' || ''", "upper('x')"])
ODD_DATES = st.sampled_from(
    ["DATE '2024-01-15' + 1", "TIMESTAMP '2024-01-16 12:00'", "'2024-01-16'::TIMESTAMP", "'2024-1-16'", "NULL"]
)
INSTANTS = st.builds(
    str.format,
    st.sampled_from(["'{}'", "TIMESTAMP '{}'", "'{}'::TIMESTAMP_NS", "'{}'::TIMESTAMP_S", "TIMESTAMPTZ '{}+09'"]),
    st.sampled_from(["2024-05-09 00:00:00", "2024-05-09 00:05:00.000000001", "2024-05-09 00:30:01", "1650-02-03"]),
)
ODD_INSTANTS = st.sampled_from(
    ["DATE '2024-05-09'", "'infinity'::TIMESTAMP", "'-infinity'", "'2800-01-01'", "now()", "NULL", "feed", "symbol"]
)
ORDERS = st.sampled_from(["<", "<=", ">", ">="])
NOT = st.sampled_from(["", "NOT "])


def atoms(prefixes: list[str]) -> st.SearchStrategy[str]:
    """A condition on one key, in every form that SQL has for it: those that the cut understands, and others."""

    def of(name: str, values: st.SearchStrategy[str], odd: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        column = st.builds(str.__add__, st.sampled_from(prefixes), st.sampled_from([name, name.upper(), f'"{name}"']))
        any_values = st.one_of(values, values, odd)
        return st.one_of(
            st.builds("{} = {}".format, column, values),
            st.builds("{1} = {0}".format, column, values),
            st.builds("{} IN ({}, {})".format, column, values, any_values),
            st.builds("{} BETWEEN {} AND {}".format, column, values, any_values),
            st.builds("{} {} {}".format, column, ORDERS, any_values),
            st.builds("{2} {1} {0}".format, column, ORDERS, any_values),
            st.builds("{} {}IN ({})".format, column, NOT, any_values),
            st.builds("{} {}BETWEEN {} AND {}".format, column, NOT, values, values),
            st.builds("{} {} {}".format, column, st.sampled_from(["<>", "IS NOT DISTINCT FROM"]), any_values),
            st.builds("{} IS {}NULL".format, column, NOT),
        )

    clock = of("ts_event", INSTANTS, ODD_INSTANTS)
    keys = [of("date", DATES, ODD_DATES), of("symbol", SYMBOL_NAMES, ODD_TEXTS), of("feed", FEED_NAMES, ODD_TEXTS)]
    if "" not in prefixes:
        return st.one_of(*keys, *keys, st.just("true"))
    return st.one_of(*keys, *keys, clock, st.sampled_from(["ordinal % 2 = 0", "true"]))


def conditions(prefixes: list[str]) -> st.SearchStrategy[str]:
    return st.recursive(
        atoms(prefixes),
        lambda inner: st.one_of(
            st.builds("({} AND {})".format, inner, inner),
            st.builds("({} OR {})".format, inner, inner),
            st.builds("NOT ({})".format, inner),
        ),
        max_leaves=4,
    )


ALONE = conditions([""]).flatmap(
    lambda c: st.sampled_from(
        [
            f"FROM trades WHERE {c}",
            f"FROM Main.TRADES WHERE {c}",
            f"SELECT upper(feed) AS feed, price, DATE '2024-01-16' AS date FROM trades WHERE {c}",
            f"SELECT symbol, count(*), sum(price) FROM trades WHERE {c} GROUP BY ALL HAVING count(*) > 1",
            f"WITH t AS (FROM trades WHERE {c}) SELECT * FROM t UNION ALL FROM trades WHERE date = '2024-01-15'",
            f"WITH trades AS (FROM trades WHERE ordinal % 2 = 0) FROM trades WHERE {c}",
            f"SELECT * FROM (FROM trades) WHERE {c}",
            f"FROM (FROM trades WHERE {c}) WHERE feed = 'a'",
            f"FROM trades WHERE EXISTS (FROM candles WHERE trades.date = candles.date AND {c})",
            f"FROM trades t(symbol, feed) WHERE {c}",
            f"SELECT price, rank() OVER (ORDER BY price) AS nth FROM trades WHERE {c} QUALIFY nth < 9",
            f"SELECT * FROM trades POSITIONAL JOIN (FROM candles WHERE {c})",
            f"SELECT (SELECT max(price) FROM trades WHERE {c}) AS highest, * FROM candles WHERE {c}",
        ]
    )
)
ANSWERED = conditions([""]).flatmap(
    lambda c: st.sampled_from(
        [
            f"SELECT count(*), max(date), min(symbol) FROM trades WHERE {c}",
            f"SELECT symbol, count(*) n, min(ts_event), max(TS_EVENT) FROM trades WHERE {c} GROUP BY 1 ORDER BY n, 1",
            f"SELECT DISTINCT feed, date + 1 FROM trades t WHERE {c}",
            f"SELECT count(DISTINCT symbol), count(symbol) FILTER (WHERE feed = 'a') FROM trades WHERE {c}",
            f"SELECT t.date, count(*) FROM trades t WHERE {c} GROUP BY ALL HAVING count(*) > 2 ORDER BY count(*), 1",
            f"SELECT upper(feed), count(*) + 1 AS price FROM trades WHERE {c} GROUP BY ALL ORDER BY price, 1 LIMIT 2",
            f"SELECT feed FROM trades WHERE {c} GROUP BY 1 UNION SELECT symbol FROM candles WHERE {c} GROUP BY 1",
            f"SELECT count(*) AS price FROM trades WHERE price > 2 AND {c}",
            f"SELECT sum(1), count(*) FROM trades WHERE {c}",
            f"SELECT (SELECT count(*) FROM trades WHERE {c}), max(ts_open) FROM candles",
            f"SELECT any_value(symbol IS NULL), count(*) OVER () FROM trades WHERE {c}",
            f"SELECT count(NULLIF(feed, 'a')) FROM trades WHERE {c}",
            f"SELECT max(ts_event) FILTER (WHERE feed = 'a'), max(date) FROM trades WHERE {c}",
            f"FROM candles JOIN (SELECT symbol, max(date) date FROM trades WHERE {c} GROUP BY 1) USING (symbol, date)",
        ]
    )
)
KINDS = ("INNER", "LEFT", "RIGHT", "FULL")
ON = "ON t.symbol = c.symbol AND"
JOINED = st.tuples(conditions(["t.", "c."]), conditions(["t.", "c.", "C."])).flatmap(
    lambda pair: st.sampled_from(
        [
            *(f"SELECT * FROM trades t {kind} JOIN candles c {ON} {pair[0]} WHERE {pair[1]}" for kind in KINDS),
            f"SELECT * FROM trades t, candles c WHERE {pair[0]} AND {pair[1]}",
            f"SELECT * FROM trades t LEFT JOIN (candles c JOIN quotes q ON {pair[0]}) {ON} {pair[1]}",
            f"SELECT * FROM trades t POSITIONAL JOIN candles c WHERE {pair[0]}",
            f"SELECT * FROM trades t ASOF JOIN candles c {ON} t.ts_event >= c.ts_open WHERE {pair[0]}",
        ]
    )
)
HALF_JOINED = st.tuples(conditions(["t."]), conditions(["t.", "c."]), st.sampled_from(["SEMI", "ANTI"])).map(
    lambda parts: f"FROM trades t {parts[2]} JOIN candles c {ON} {parts[1]} WHERE {parts[0]}"
)
MERGED = st.tuples(conditions(["", "t."]), st.sampled_from([*KINDS, "SEMI", "ANTI"])).map(
    lambda pair: f"SELECT * FROM trades t {pair[1]} JOIN candles c USING (feed, symbol, date) WHERE {pair[0]}"
)


def answer(connection: "duckdb.DuckDBPyConnection", query: str) -> list[str]:
    relation = connection.execute(query)
    return [repr(relation.description), *sorted(map(repr, relation.fetchall()))]


@pytest.fixture(scope="module")
def connection() -> Iterator[Any]:
    """Opening one takes longer than all the rest of an example.

    Not annotated with its class: hypothesis keeps that alive beyond the end, of which DuckDB's bindings complain.
    """
    with duckdb.connect() as opened:
        yield opened


ASOF = "ASOF JOIN candles c ON t.symbol = c.symbol AND t.ts_event >= c.ts_open"


@pytest.mark.parametrize(
    "query",
    [
        f"FROM trades t {ASOF} WHERE c.date = '2024-01-15'",
        "FROM trades t POSITIONAL JOIN candles c WHERE c.date = '2024-01-16'",
        "FROM trades t LEFT JOIN candles c ON t.date = '2024-01-15' AND c.date = '2024-01-16'",
        "FROM trades t RIGHT JOIN candles c ON t.date = '2024-01-15' AND c.date = '2024-01-16'",
        "FROM trades t FULL JOIN candles c ON t.date = '2024-01-15' AND c.date = '2024-01-16'",
        "FROM trades t ANTI JOIN candles c ON t.date = '2024-01-15' AND c.date = '2024-01-16'",
        "FROM trades t(symbol, feed) WHERE symbol = 'a'",
        "SELECT 'b' AS feed, price FROM trades WHERE feed = 'a'",
        "FROM trades WHERE '2024-01-16' > date",
        "FROM trades WHERE '2024-01-16' < date",
        "FROM trades WHERE NOT (date = '2024-01-16' AND feed = 'a')",
        "FROM trades t JOIN trades c ON t.symbol = c.symbol WHERE t.date = '2024-01-15' AND c.date = '2024-01-16'",
        "FROM trades t ANTI JOIN candles c ON t.price = c.open + 18 WHERE feed = 'b'",
        "SELECT min(symbol, 3), max(date, 4) FROM trades",
        "SELECT #1, count(*) FROM trades GROUP BY 1",
        "SELECT symbol AS id, count(*) FROM trades GROUP BY symbol ORDER BY lower(id)",
        "SELECT symbol AS _clock, count(*) FROM trades GROUP BY symbol ORDER BY lower(_clock)",
        "WITH t AS (SELECT date AS today, max(price) AS now FROM trades GROUP BY 1) SELECT today, now FROM t",
        "SELECT current_date FROM (SELECT date AS current_date FROM trades)",
        "SELECT current_date FROM (SELECT date FROM trades) t(current_date)",
        "WITH t(current_date) AS (SELECT date FROM trades) SELECT current_date FROM t",
        "WITH trades AS (FROM candles WHERE feed = 'a') FROM trades, main.trades t WHERE trades.date = '2024-01-15'",
    ],
)
def test_the_answer_to_a_query_that_invites_a_mistake_is_the_answer_without_the_cut(
    files: Warehouse, connection: Any, query: str
) -> None:
    assert_same_answer(files, connection, query, absent=set())


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.one_of(ALONE, ANSWERED, JOINED, HALF_JOINED, MERGED),
    absent=st.sets(st.sampled_from(PARTITIONS), max_size=len(PARTITIONS) // 2),
)
def test_the_answer_with_the_cut_is_the_answer_without_it(
    files: Warehouse, connection: Any, query: str, absent: set[Partition]
) -> None:
    assert_same_answer(files, connection, query, absent)


def assert_same_answer(files: Warehouse, connection: Any, query: str, absent: set[Partition]) -> None:
    keys = {(each.feed, each.symbol, each.date) for each in absent}
    with files.ledger._engine.begin() as ledger:
        ledger.execute(delete(revisions))
        ledger.execute(
            insert(revisions), [row for row in KNOWN if (row["feed"], row["symbol"], row["date"]) not in keys]
        )
        keep_what_is_found(ledger)
    with files.ledger.reader() as reader:
        Views(connection, files.files, reader).make_all(("trades", "candles", "quotes"))
        try:
            whole = answer(connection, query)
        except duckdb.Error:  # not every condition that can be drawn has the right types
            whole = None
        for name in ("trades", "candles", "quotes"):
            connection.execute(f"DROP VIEW {name}")
        planned = Views(connection, files.files, reader).planned(query)
        assert whole is None or answer(connection, planned) == whole


# --- few files ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """The ledger of every partition, without files."""
    ledger = Ledger(ledger_url(tmp_path_factory.mktemp("listed")))
    clocks = {"trades": "ts_event", "candles": "ts_open"}
    enter(ledger, (row_of(name, each, **bounds(each, clocks[name])) for name in clocks for each in PARTITIONS))
    yield Warehouse(Path("warehouse"), ledger)
    ledger.close()


def bounds(partition: Partition, clock: str) -> dict[str, Any]:
    start, end = day_bounds(partition.date)
    return {"clock": clock, "first_ns": start, "last_ns": end - 1}


def counts(warehouse: Warehouse, query: str) -> dict[str, int] | None:
    """How many partitions of each table a query needs; None where that is not known."""
    with duckdb.connect() as connection, warehouse.ledger.reader() as reader:
        views = Views(connection, warehouse.files, reader)
        tree = parsed(connection, query)
        if tree is None or not views._is_understood(tree, table_names()):
            return None
        found: dict[str, set[int]] = {}
        for need in needs(tree, known_tables(connection), views._writer):
            rows = views._search.needed(need)
            found.setdefault(need.table, set()).update(row.id for row in rows)
        return {table: len(ids) for table, ids in found.items()}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("FROM trades", {"trades": 18}),
        ("FROM trades WHERE date = '2024-01-16'", {"trades": 6}),
        ("FROM trades WHERE feed = 'a' AND symbol = '1000' AND date = DATE '2024-01-16'", {"trades": 1}),
        ("FROM trades AS t WHERE T.Feed = 'a' AND '2024-01-16' > date", {"trades": 3}),
        ("FROM trades WHERE date BETWEEN '2024-01-16' AND '2024-01-17'::DATE AND symbol IN ('X', 'Y')", {"trades": 8}),
        ("FROM trades WHERE date >= '2024-01-16' AND date < '2024-01-17' AND price > 3", {"trades": 6}),
        ("FROM trades WHERE date = '2024-01-15' OR (date = '2024-01-16' AND feed = 'a')", {"trades": 9}),
        ("FROM trades WHERE date = '2024-01-15' OR price > 3", {"trades": 18}),
        ("FROM trades WHERE NOT date = '2024-01-15'", {"trades": 12}),
        ("FROM trades WHERE date = '2024-01-15' UNION ALL FROM trades WHERE date = '2024-01-16'", {"trades": 12}),
        ("FROM trades WHERE date = (SELECT max(date) FROM candles)", {"trades": 18, "candles": 18}),
        ("WITH day AS (FROM trades WHERE date = '2024-01-15') FROM day", {"trades": 6}),
        ("FROM trades JOIN candles USING (feed, symbol, date) WHERE date = '2024-01-15'", {"trades": 6, "candles": 6}),
        ("FROM trades t JOIN candles c ON c.feed = 'a' WHERE t.symbol = 'X'", {"trades": 6, "candles": 9}),
        ("FROM trades t LEFT JOIN candles c ON t.feed = 'a' AND c.feed = 'a'", {"trades": 18, "candles": 9}),
        ("FROM trades ASOF JOIN candles c ON ts_event >= ts_open WHERE c.feed = 'a'", {"trades": 18, "candles": 18}),
        ("FROM trades TABLESAMPLE 10 ROWS WHERE date = '2024-01-15'", {"trades": 18}),
        ("DESCRIBE trades", {"trades": 0}),
        ("SELECT 1", {}),
        ("FROM range(3)", {}),
        ("FROM 'other.parquet' JOIN trades USING (symbol) WHERE trades.date = '2024-01-15'", {"trades": 6}),
        ("FROM query_table('trades')", None),
        ("SHOW TABLES", None),
        ("FROM information_schema.tables", None),
        ("FROM trade", None),
        ("EXPLAIN FROM trades", None),
        ("this is no SQL", None),
        (f"SELECT {' + '.join(['1'] * 900)} FROM trades", None),
        (f"FROM trades WHERE {' OR '.join(['symbol = $$X$$'] * 3_000)}", {"trades": 6}),
        (f"FROM trades WHERE symbol IN ({', '.join(['$$X$$'] * 40_000)})", {"trades": 6}),
        (" UNION ALL ".join(["FROM trades WHERE symbol = 'X'"] * 30), {"trades": 6}),
        ("FROM trades WHERE symbol LIKE '1%' AND dayofmonth(date) = 16", {"trades": 2}),
        ("FROM trades WHERE date >= current_date - 7", {"trades": 0}),
        ("FROM trades WHERE date < current_date - 7 AND lower(feed) = 'a'", {"trades": 9}),
        ("FROM trades WHERE symbol = 'X' AND random() >= 0", {"trades": 6}),
        ("FROM trades WHERE date >= current_date - (10 * random())::INTEGER", {"trades": 18}),
        ("FROM trades JOIN (VALUES ('X'), ('Q')) wanted(s) ON trades.symbol = wanted.s", {"trades": 6}),
        ("WITH wanted AS (SELECT 'X' AS symbol) FROM trades JOIN wanted USING (symbol)", {"trades": 6}),
        ("WITH wanted AS (SELECT 'X' AS s) FROM trades WHERE symbol IN (FROM wanted)", {"trades": 6}),
        ("FROM trades WHERE symbol IN (SELECT symbol FROM candles WHERE feed = 'a')", {"trades": 18, "candles": 9}),
        ("FROM candles LEFT JOIN trades t USING (symbol) WHERE t.symbol IS NULL", {"trades": 18, "candles": 18}),
        ("FROM candles LEFT JOIN trades t USING (symbol) WHERE t.symbol LIKE 'X%'", {"trades": 6, "candles": 18}),
        ("FROM trades WHERE ts_event >= '2024-01-17' AND ts_event < '2024-01-18'", {"trades": 6}),
        ("FROM trades WHERE ts_event BETWEEN '2024-01-16' AND TIMESTAMP '2024-01-16 12:00'", {"trades": 6}),
        ("FROM trades WHERE '2024-01-16'::TIMESTAMP > ts_event OR symbol = 'Y'", {"trades": 10}),
        ("FROM trades WHERE ts_recv >= '2024-01-17'", {"trades": 18}),
    ],
)  # fmt: skip
def test_a_query_needs_the_partitions_that_its_conditions_leave(
    listed: Warehouse, query: str, expected: dict[str, int] | None
) -> None:
    assert counts(listed, query) == expected


def test_of_a_hundred_thousand_partitions_a_query_for_one_day_touches_one_file(warehouse: Warehouse) -> None:
    there = Partition("a", dt.date(2024, 1, 15), "S007")
    put(warehouse, "trades", there, [trade(0)])
    others = [Partition("a", day, f"S{n:03}") for day in days("2021-01-01", 1_000) for n in range(100)]
    enter(warehouse.ledger, (row_of("trades", each) for each in others))  # none of their files is there
    query = "SELECT * FROM trades WHERE feed = 'a' AND symbol = 'S007' AND date = '2024-01-15'"
    with connect(warehouse) as connection:
        assert len(connection.sql(query).fetchall()) == 1
        assert len(connection.sql(query.replace("feed = 'a' AND symbol = 'S007' AND", "")).fetchall()) == 1
        assert len(connection.sql("FROM trades WHERE ts_event < '2100-01-01' AND date > '2024-01-01'").fetchall()) == 1
