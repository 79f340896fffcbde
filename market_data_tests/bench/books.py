"""(f) Books of 25 levels as numbered columns, as lists of structs and as lists: size, and DuckDB's time for questions.

Prices and sizes of a made-up book: the mid moves in a seventh of the rows, deep levels change seldom.
"""

import tempfile
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from market_data.domain.numbers import PRICE, SIZE
from market_data_tests.bench.measure import best_seconds

ROWS = 300_000
LEVELS = 25
_SIDES = ("bid", "ask")
_PRICE, _SIZE = pa.decimal128(18, 9), pa.decimal128(28, 9)
_TIMES = ("ts_event", "ts_recv", "ordinal")
_SETTINGS: dict[str, Any] = {
    "row_group_size": 262_144,
    "compression": "zstd",
    "compression_level": 3,
    "version": "2.6",
    "write_page_index": True,
    "store_decimal_as_integer": True,
}
_QUESTIONS = {
    "numbered": {
        "spread": "avg(ask_price_0 - bid_price_0)",
        "level 10": "avg(bid_price_10), sum(bid_size_10)",
        "depth of 10": f"sum({' + '.join(f'bid_size_{n}' for n in range(10))})",
    },
    "structs": {
        "spread": "avg(asks[1].price - bids[1].price)",
        "level 10": "avg(bids[11].price), sum(bids[11].size)",
        "depth of 10": "sum(list_sum(list_transform(bids[:10], lambda level: level.size)))",
    },
    "lists": {
        "spread": "avg(ask_prices[1] - bid_prices[1])",
        "level 10": "avg(bid_prices[11]), sum(bid_sizes[11])",
        "depth of 10": "sum(list_sum(bid_sizes[:10]))",
    },
}


def run(rows: int = ROWS) -> dict[str, Any]:
    """Bytes a row and milliseconds of each question, by layout; the answers are compared."""
    book = _book(rows)
    figures: dict[str, Any] = {"rows": rows}
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        answers: dict[str, set[str]] = {}
        for layout, (frame, schema, dictionary, encoding) in _layouts(book).items():
            path = Path(folder) / f"{layout}.parquet"
            arrow = frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema).combine_chunks()
            settings: dict[str, Any] = {**_SETTINGS, "use_dictionary": dictionary, "column_encoding": encoding}
            pq.write_table(arrow, path, **settings)
            asked = {what: f"SELECT {columns} FROM '{path}'" for what, columns in _QUESTIONS[layout].items()}
            for what, query in asked.items():
                answers.setdefault(what, set()).add(str(connection.sql(query).fetchall()))
            times = {what: 1_000 * best_seconds(lambda q=q: connection.sql(q).fetchall()) for what, q in asked.items()}
            figures[layout] = {"bytes a row": path.stat().st_size / rows, **{f"{k}, ms": v for k, v in times.items()}}
    if any(len(given) > 1 for given in answers.values()):
        raise SystemExit(f"the layouts do not answer alike: {answers}")
    return figures


def _book(rows: int) -> pl.DataFrame:
    random = np.random.default_rng(2)
    number = np.arange(rows)
    received = 1_700_000_000_000_000_000 + np.cumsum(random.integers(20, 400, rows)) * 1_000_000
    columns: dict[str, Any] = {"ts_event": received - 3_000_000, "ts_recv": received, "ordinal": number}
    mid = np.cumsum(random.integers(-1, 2, rows) * (random.random(rows) < 0.15)) + 4_000_000
    for side, away in zip(_SIDES, (-1, 1), strict=True):
        offset = np.zeros(rows, dtype=np.int64)
        for level in range(LEVELS):
            offset = offset + np.maximum(_held(random.integers(1, 30, rows), random.random(rows) < 0.1), 1)
            sizes = np.round(random.exponential(2, rows) + 0.001, 3)
            columns[f"{side}_price_{level}"] = (mid + away * offset) * 10_000_000
            columns[f"{side}_size_{level}"] = _held(
                np.round(sizes * 1_000).astype(np.int64) * 1_000_000, random.random(rows) < 0.5 / (level + 1) + 0.03
            )
    return pl.DataFrame(columns).with_columns(
        pl.col(name).cast(pl.Decimal(38, 0)).to_physical().reinterpret(dtype=pl.Decimal(38, 9)).cast(kind)
        for name in columns
        if name not in _TIMES
        for kind in [PRICE if "price" in name else SIZE]
    )


def _held(values: Any, changes: Any) -> Any:
    """Values that stay until the next change."""
    changes[0] = True
    return values[np.maximum.accumulate(np.where(changes, np.arange(len(values)), 0))]


def _layouts(book: pl.DataFrame) -> dict[str, tuple[pl.DataFrame, Any, list[str], dict[str, str]]]:
    """Frame, Arrow schema, columns with a dictionary, and encodings, as the warehouse would choose them."""
    times, delta = [(name, pa.int64()) for name in _TIMES], dict.fromkeys(_TIMES, "DELTA_BINARY_PACKED")
    prices = [name for name in book.columns if "price" in name]
    sizes = [name for name in book.columns if "size" in name]
    numbered = pa.schema([*times, *((c, _PRICE if "price" in c else _SIZE) for c in book.columns[3:])])
    structs = book.select(
        *_TIMES,
        *(
            pl.concat_list(pl.struct(price=f"{side}_price_{n}", size=f"{side}_size_{n}") for n in range(LEVELS)).alias(
                f"{side}s"
            )
            for side in _SIDES
        ),
    )
    lists = book.select(
        *_TIMES,
        *(
            pl.concat_list(f"{side}_{what}_{n}" for n in range(LEVELS)).alias(f"{side}_{what}s")
            for side in _SIDES
            for what in ("price", "size")
        ),
    )
    level = pa.list_(pa.struct([("price", _PRICE), ("size", _SIZE)]))
    of_lists = [
        (f"{side}_{w}s", pa.list_(_PRICE if w == "price" else _SIZE)) for side in _SIDES for w in ("price", "size")
    ]
    return {
        "numbered": (book, numbered, sizes, delta | dict.fromkeys(prices, "DELTA_BINARY_PACKED")),
        "structs": (
            structs,
            pa.schema([*times, *((f"{side}s", level) for side in _SIDES)]),
            [f"{side}s.list.element.size" for side in _SIDES],
            delta | {f"{side}s.list.element.price": "DELTA_BINARY_PACKED" for side in _SIDES},
        ),
        "lists": (
            lists,
            pa.schema([*times, *of_lists]),
            [f"{side}_sizes.list.element" for side in _SIDES],
            delta | {f"{side}_prices.list.element": "DELTA_BINARY_PACKED" for side in _SIDES},
        ),
    }
