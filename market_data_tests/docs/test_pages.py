"""The README's feed loads as it stands, and no page is without a way to it."""

from pathlib import Path

from market_data.settings import Environment, load_settings
from market_data.sources import catalog
from market_data_tests.docs.pages import fences

ROOT = Path(__file__).resolve().parents[2]


def test_the_feed_of_the_readme_loads_as_it_stands(tmp_path: Path):
    (stanza,) = (fence.text for fence in fences(ROOT / "README.md") if fence.language == "yaml")
    path = tmp_path / "feeds.yaml"
    path.write_text(stanza, encoding="utf-8")
    feed = load_settings(catalog(), Environment(home=tmp_path, config=path)).feeds["xrpeth"]
    assert feed.assets == ("instruments", "trades", "vendor_candles", "candles", "quality_reports")
    assert feed.options.base_url == "https://data.binance.vision"


def test_the_index_leads_to_every_page():
    docs = ROOT / "docs"
    index = (docs / "index.md").read_text(encoding="utf-8")
    pages = {page.relative_to(docs).as_posix() for page in docs.rglob("*.md")} - {"index.md"}
    assert {page for page in pages if f"({page})" not in index} == set()


def test_every_source_has_a_page():
    pages = {page.stem.replace("-", "_") for page in (ROOT / "docs" / "sources").glob("*.md")}
    assert set(catalog()) == pages
