"""The hash of rows: the same however they are kept, another where anything in them differs."""

from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_data.warehouse.content_hash import ContentHash

SCHEMA = pa.schema(
    [
        ("price", pa.decimal128(18, 9)),
        ("at", pa.int64()),
        ("measured", pa.float64()),
        ("good", pa.bool_()),
        ("name", pa.string()),
    ]
)
ROW = st.fixed_dictionaries(
    {
        "price": st.none() | st.decimals(-9, 9, places=9),
        "at": st.none() | st.integers(-(2**63), 2**63 - 1),
        "measured": st.none() | st.floats(),
        "good": st.none() | st.booleans(),
        "name": st.none() | st.text(max_size=3),
    }
)


def digest(*tables: Any, schema: Any = SCHEMA) -> str:
    content = ContentHash(schema)
    for table in tables:
        content.update(table)
    return content.digest()


def table(rows: list[Any], schema: Any = SCHEMA) -> Any:
    return pa.Table.from_pylist(rows, schema)


@given(rows=st.lists(ROW, max_size=12), cuts=st.lists(st.integers(0, 12), max_size=3))
def test_how_rows_are_cut_chunked_and_sliced_does_not_count(rows: list[Any], cuts: list[int]) -> None:
    whole = table(rows)
    ends = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    parts = [whole.slice(first, last - first) for first, last in pairwise(ends)]
    assert digest(whole) == digest(*parts) == digest(pa.concat_tables([whole.slice(0, 0), *parts]))


@given(rows=st.lists(ROW, min_size=1, max_size=6), change=ROW, place=st.integers(0, 5))
def test_any_other_value_gives_another_hash(rows: list[Any], change: Any, place: int) -> None:
    other = [*rows]
    other[place % len(rows)] = change
    same = repr(table(rows).to_pylist()).replace("-0.0", "0.0") == repr(table(other).to_pylist()).replace("-0.0", "0.0")
    assert (digest(table(rows)) == digest(table(other))) == same


def test_the_encoding_of_a_file_does_not_count(tmp_path: Path) -> None:
    rows = table(
        [
            {"price": Decimal(n % 3), "at": n, "measured": n / 7, "good": n % 2 == 0, "name": "x" * (n % 5)}
            for n in range(999)
        ]
    )
    hashes: set[str] = set()
    options: dict[str, Any]
    for number, options in enumerate(
        (
            {"compression": "snappy", "row_group_size": 100},
            {"use_dictionary": False, "store_decimal_as_integer": True},
            {"version": "1.0", "data_page_size": 64},
        )
    ):
        path = tmp_path / f"{number}.parquet"
        pq.write_table(rows, path, **options)
        hashes.add(digest(pq.read_table(path).cast(SCHEMA)))
    assert hashes == {digest(rows)}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"measured": 0.0}, {"measured": -0.0}, True),
        ({"measured": float("nan")}, {"measured": -float("nan")}, True),
        ({"measured": None}, {"measured": 0.0}, False),
        ({"measured": None}, {"measured": float("nan")}, False),
        ({"name": None}, {"name": ""}, False),
        ({"good": None}, {"good": False}, False),
        ({"price": None}, {"price": Decimal(0)}, False),
        ({"price": Decimal("1.0")}, {"price": Decimal(1)}, True),
    ],
)
def test_null_nan_and_minus_zero_are_what_they_are_in_sql(one: Any, other: Any, *, same: bool) -> None:
    assert (digest(table([one])) == digest(table([other]))) == same


def test_texts_are_told_apart_by_where_one_ends() -> None:
    assert digest(table([{"name": "ab"}, {"name": "c"}])) != digest(table([{"name": "a"}, {"name": "bc"}]))


def test_order_names_and_types_count() -> None:
    rows = [{"at": 1}, {"at": 2}]
    assert digest(table(rows)) != digest(table(rows[::-1]))
    renamed = pa.schema([("time", pa.int64())])
    plain = pa.schema([("at", pa.int64())])
    wide = pa.schema([("at", pa.decimal128(38, 0))])
    assert (
        len({digest(table([{name: 1}], s), schema=s) for name, s in (("at", plain), ("time", renamed), ("at", wide))})
        == 3
    )


def test_the_hash_of_a_method_stays_what_it_is() -> None:
    rows = [{"price": Decimal("1.5"), "at": 7, "measured": 0.5, "good": True, "name": "x"}, {}]
    assert digest(table(rows)) == "rows1:a14c5e04801e0349dd757d896c5bcc99"
