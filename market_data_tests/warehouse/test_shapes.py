"""One name, one type: what the files of several feeds may have as columns of one table."""

from collections.abc import Iterator

import pytest

from market_data.domain.columns import sql_columns
from market_data.domain.contract import Schema, polars_schema
from market_data.domain.errors import ConfigurationError
from market_data.domain.tables import table_names
from market_data.sources.binance_vision import schemas as binance_vision
from market_data.sources.ccxt import schemas as ccxt
from market_data.sources.databento import schemas as databento
from market_data.sources.tardis import schemas as tardis
from market_data.warehouse.parquet import sql_type
from market_data.warehouse.shapes import must_agree, one_shape


def schemas_of(table: str) -> Iterator[tuple[str, Schema]]:
    """The contracts by which the sources with columns of their own deliver a table."""
    for exchange in ("binance", "kraken", "coinbase"):
        yield exchange, ccxt.delivery(exchange, table).schema
    for source, delivered in (
        ("binance_vision", lambda: binance_vision.DELIVERIES[table]),
        ("databento futures", lambda: databento.delivery(table, "GLBX.MDP3")),
        ("databento shares", lambda: databento.delivery(table, "XNAS.ITCH")),
        ("tardis 5", lambda: tardis.delivery(table, 5, negative_prices=False)),
        ("tardis 25", lambda: tardis.delivery(table, 25, negative_prices=True)),
    ):
        try:
            yield source, delivered().schema
        except KeyError:  # not a table of that source
            continue


@pytest.mark.parametrize("table", sorted(set(table_names()) - {"quarantine", "quality_reports", "candles"}))
def test_the_sources_of_the_platform_have_one_type_for_a_column_of_one_name(table: str) -> None:
    there = [("by contract", sql_columns(table))]
    for source, schema in schemas_of(table):
        types = {name: sql_type(kind) for name, kind in polars_schema(schema).items()}
        must_agree(table, (source, types), there)
        there.append((f"in {source}", types))
    assert len(there) > 1
    one_shape(table, [types for _, types in there])


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ("DECIMAL(18, 9)", "DECIMAL(38,18)", "DECIMAL(38, 18)"),
        ("DECIMAL(10, 0)", "DECIMAL(9, 9)", "DECIMAL(19, 9)"),
        ("INTEGER", "BIGINT", "BIGINT"),
        ("VARCHAR", "VARCHAR", "VARCHAR"),
        ("DECIMAL(38, 0)", "DECIMAL(38, 38)", None),
        ("VARCHAR", "BIGINT", None),
        ("DOUBLE", "DECIMAL(18, 9)", None),
        ("BOOLEAN", "BIGINT", None),
    ],
)
def test_two_types_are_one_where_one_holds_both_exactly(first: str, second: str, both: str | None) -> None:
    shapes = [{"Venue": first}, {"venue": second}]
    if both is not None:
        must_agree("trades", ("b", shapes[1]), [("in feed a", shapes[0])])
        assert one_shape("trades", shapes) == one_shape("trades", shapes[::-1]) == {"venue": both}
        return
    with pytest.raises(ConfigurationError, match=r"feed b: trades\.venue would be .* in feed a"):
        must_agree("trades", ("b", shapes[1]), [("in feed a", shapes[0])])
    with pytest.raises(ConfigurationError, match=r"trades\.venue is"):
        one_shape("trades", shapes)


@pytest.mark.parametrize("shape", [{"date": "DATE"}, {"Feed": "VARCHAR"}, {"price": "DOUBLE", "Price": "DOUBLE"}])
def test_a_column_that_would_have_the_name_of_another_is_refused(shape: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"feed b: trades\.\w+ has the name of another column"):
        must_agree("trades", ("b", shape), [])
