"""The outline of feeds is what the models say of them, or none."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest

from market_data.domain.tables import DELIVERED
from market_data.settings import Environment, Feed, load_settings
from market_data.settings.environment import PACKAGED_FEEDS
from market_data.settings.outline import KEYS, Outline, outlines
from market_data.sources import catalog

FEEDS = """
feeds:
  a: {source: binance_vision, symbols: {XRP-ETH: XRPETH}, tables: [trades], start: 2019-10-11}
  b: {source: simulated, symbols: ["NO", "1000"], tables: [quotes], start: 2024-01-15, end: 2024-01-17, calendar: CMES}
  c: {source: simulated, symbols: [A], tables: [vendor_candles, quotes], start: 2024-01-15, end: }
"""


@pytest.mark.parametrize("text", [FEEDS, PACKAGED_FEEDS.read_text(encoding="utf-8")])
def test_an_outline_says_what_the_model_says(tmp_path: Path, text: str) -> None:
    path = tmp_path / "feeds.yaml"
    path.write_text(text, encoding="utf-8")
    found = outlines(path)
    feeds = load_settings(catalog(), Environment(home=tmp_path, config=path)).feeds
    assert found is not None
    assert [*found] == [*feeds]
    for outline, feed in zip(found.values(), feeds.values(), strict=True):
        fields = (feed.name, feed.symbols, feed.tables, feed.start, feed.end, feed.calendar)
        assert outline == Outline(*fields)
        assert (outline.assets, outline.last_day(dt.date(2024, 1, 17))) == (
            feed.assets,
            feed.last_day(dt.date(2024, 1, 17)),
        )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "feeds: ",
        "feeds: {a: }",
        "feeds: {a: {}}",
        "feeds: {a: {symbols: A, tables: [trades], start: 2024-01-15}}",
        "feeds: {a: {symbols: [], tables: [trades], start: 2024-01-15}}",
        "feeds: {a: {symbols: [A], tables: trades, start: 2024-01-15}}",
        "feeds: {a: {symbols: [[A]], tables: [trades], start: 2024-01-15}}",
        "feeds: {a: {symbols: [A], tables: [trades], start: 15.1.2024}}",
        "feeds: {a: {symbols: [A], tables: [trades], start: }}",
        "feeds: {a: {symbols: [A, A], tables: [trades], start: 2024-01-15}}",
        "feeds: {a: {symbols: [A], tables: [trade], start: 2024-01-15}}",
        "feeds: {a: {symbols: [A], tables: [trades], start: 2024-01-15, ends: 2024-01-17}}",
        "feeds: {a: {symbols: [A], tables: [trades], start: 2024-01-15, end: 2024-01-14}}",
    ],
)
def test_of_a_file_that_is_not_plain_there_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "feeds.yaml"
    path.write_text(text, encoding="utf-8")
    assert outlines(path) is None


def test_a_stanza_has_the_keys_of_the_model() -> None:
    assert {*Feed.model_fields} - {"name"} == KEYS


def test_tables_are_listed_in_the_order_of_their_sources() -> None:
    for source in catalog().values():
        assert [name for name in DELIVERED if name in source.tables] == [*source.tables]


def test_no_model_is_imported_for_it() -> None:
    code = (
        "import sys; from market_data.settings.outline import outlines;"
        "from market_data.settings.environment import PACKAGED_FEEDS; outlines(PACKAGED_FEEDS);"
        "print({'pydantic', 'polars', 'dataframely', 'market_data.sources'} & {*sys.modules})"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "set()\n"
