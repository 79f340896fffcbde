"""A feed of more partitions than the interface can show is refused at load, with the stanza that splits it."""

import datetime as dt
from pathlib import Path

import pytest

from market_data.domain.errors import ConfigurationError
from market_data.settings import Environment, Settings, load_settings
from market_data.settings.environment import PARTITIONS_PER_FEED
from market_data.settings.keyspace import full_on, partition_count, split
from market_data.sources import catalog

TODAY = dt.date(2024, 4, 1)
HEAD = """
feeds:
  small: {source: simulated, symbols: [A], tables: [trades], start: 2024-01-01, end: 2024-01-02}
"""


def stanza(symbols: str, end: str = "2019-04-10", start: str = "2019-01-01") -> str:
    dates = f"    start: {start}\n" + (f"    end: {end}\n" if end else "")
    return f"  us:\n    source: simulated\n    symbols: {symbols}\n    tables: [trades]\n{dates}"


def load(tmp_path: Path, text: str, **environment: object) -> Settings:
    path = tmp_path / "feeds.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(catalog(), Environment(home=tmp_path / "home", config=path, **environment))


def names(count: int) -> str:
    return f"[{', '.join(f'S{number:04d}' for number in range(count))}]"


def test_a_feed_of_as_many_partitions_as_are_allowed_loads(tmp_path: Path) -> None:
    feed = load(tmp_path, HEAD + stanza(names(1_000))).feeds["us"]
    assert partition_count(feed, TODAY) == PARTITIONS_PER_FEED


def test_a_feed_of_more_is_refused_with_file_line_feed_count_and_way_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, HEAD + stanza(names(1_001)))
    words = str(refused.value)
    assert f"{tmp_path / 'feeds.yaml'}:4: feeds.us: 1,001 symbols by 100 days are 100,100 partitions" in words
    assert "at most 100,000" in words
    assert "docs/sizing.md" in words
    assert "us_3 from S1000" in words
    assert "MARKET_DATA_PARTITIONS_PER_FEED" in words


def test_the_stanza_of_the_refusal_loads_as_it_stands(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, HEAD + stanza(names(1_001)))
    shown = str(refused.value).partition("as they are:\n")[2].partition("and likewise")[0]
    feeds = load(tmp_path, HEAD + shown).feeds
    assert list(feeds["us_1"].symbols) == [f"S{number:04d}" for number in range(500)]


def test_the_stanza_keeps_what_the_vendor_calls_the_symbols(tmp_path: Path) -> None:
    symbols = "{" + ", ".join(f"S{number}: V{number}" for number in range(20)) + "}"
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, HEAD + stanza(symbols), partitions_per_feed=1_000)
    shown = str(refused.value).partition("as they are:\n")[2].partition("and likewise")[0]
    assert load(tmp_path, HEAD + shown).feeds["us_1"].symbols == {
        f"S{number}": f"V{number}" for number in (0, 1, 10, 11, 12)
    }


def test_more_is_allowed_where_the_environment_says_so(tmp_path: Path) -> None:
    text = HEAD + stanza(names(1_001))
    assert len(load(tmp_path, text, partitions_per_feed=100_100).feeds["us"].symbols) == 1_001
    with pytest.raises(ConfigurationError, match="at most 100,099"):
        load(tmp_path, text, partitions_per_feed=100_099)


def test_the_groups_of_a_universe_hold_each_symbol_once_and_are_at_most_half_full(tmp_path: Path) -> None:
    text = HEAD + stanza(names(1_001))
    feed = load(tmp_path, text, partitions_per_feed=200_000).feeds["us"]
    groups = split(feed, PARTITIONS_PER_FEED, TODAY)
    assert [symbol for group in groups.values() for symbol in group] == sorted(feed.symbols)
    assert all(len(group) * 100 <= PARTITIONS_PER_FEED / 2 for group in groups.values())


def test_a_universe_that_was_split_loads_whole(tmp_path: Path) -> None:
    feed = load(tmp_path, HEAD + stanza(names(1_001)), partitions_per_feed=200_000).feeds["us"]
    groups = split(feed, PARTITIONS_PER_FEED, TODAY)
    stanzas = (stanza(f"[{', '.join(symbols)}]").replace("  us:", f"  {name}:", 1) for name, symbols in groups.items())
    feeds = load(tmp_path, HEAD + "".join(stanzas)).feeds
    assert list(feeds) == ["small", "us_1", "us_2", "us_3"]


def test_a_feed_that_goes_on_knows_the_day_on_which_it_is_full(tmp_path: Path) -> None:
    feed = load(tmp_path, HEAD + stanza("[A, B]", end="", start="2024-01-01")).feeds["us"]
    day = dt.date(2024, 1, 7)
    assert full_on(feed, 10) == day
    assert [partition_count(feed, day - dt.timedelta(days=1)), partition_count(feed, day)] == [10, 12]
    assert full_on(load(tmp_path, HEAD).feeds["small"], 10) is None
