"""The tables' columns without their contracts are those of the contracts."""

import subprocess
import sys

import pytest

from market_data.domain import columns
from market_data.domain.contract import polars_schema
from market_data.domain.tables import table, table_names
from market_data.warehouse.parquet import sql_type


def test_there_are_the_same_tables() -> None:
    assert columns.table_names() == table_names()


@pytest.mark.parametrize("name", table_names())
def test_columns_types_and_times_are_those_of_the_contract(name: str) -> None:
    own = [(column, sql_type(kind)) for column, kind in polars_schema(table(name).schema).items()]
    assert [*columns.sql_columns(name).items()] == own
    assert columns.times(name) == table(name).times


def test_no_engine_is_imported_for_them() -> None:
    code = (
        "import sys; import market_data.domain.columns; print({'polars', 'dataframely', 'pydantic'} & {*sys.modules})"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "set()\n"
