"""The interface in a real browser: what a person sees of a feed, of a partition and of its checks."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from market_data_tests.feeds import settings_of, simulated
from market_data_tests.ui.chromium import CHROMIUM
from market_data_tests.ui.dev import Dev, dagster_dev

PATIENCE_MS = 60_000
KEY = "2024-01-15|AAA-USD"

pytestmark = [
    pytest.mark.ui,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """Four of six partitions are materialized."""
    settings = settings_of(tmp_path_factory.mktemp("ui"), {"sim": simulated()})
    with dagster_dev(settings) as started:
        started.materialize("sim", KEY, "2024-01-16|BBB-USD")
        yield started


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Page]:
    """A page of which a picture is kept: in $MARKET_DATA_SCREENSHOTS, else in the test's own folder."""
    page = browser.new_page(viewport={"width": 1600, "height": 1400})
    page.set_default_timeout(PATIENCE_MS)
    yield page
    folder = Path(os.environ.get("MARKET_DATA_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{request.node.name}.png", animations="disabled")
    page.close()


def test_the_asset_graph_shows_the_tables_of_a_feed(dev: Dev, page: Page) -> None:
    page.goto(f"{dev.url}/locations/market_data/asset-groups/sim")
    for table in ("instruments", "trades", "quotes", "vendor_candles", "candles", "quality_reports"):
        expect(page.get_by_text(table, exact=True).first).to_be_visible()
    expect(page.get_by_text("66% filled")).to_have_count(6)
    expect(page.get_by_text("3 / 3 Passed")).to_be_visible()
    expect(page.get_by_text("8 / 8 Passed")).to_be_visible()


def test_the_page_of_a_partition_shows_its_account_its_first_rows_and_a_chart(dev: Dev, page: Page) -> None:
    page.goto(f"{dev.url}/assets/sim/candles?view=partitions&partition={KEY}")
    expect(page.get_by_text("Materialized (4)")).to_be_visible()
    for name in ("rows_in", "rows_out", "set_aside", "bytes", "sha256", "first_time", "last_time", "source"):
        expect(page.get_by_role("cell", name=name, exact=True)).to_be_visible()
    preview = page.get_by_role("row").filter(has=page.get_by_role("cell", name="preview", exact=True))
    expect(preview.get_by_text("ts_open", exact=True)).to_be_visible()
    expect(preview.get_by_text("2024-01-15T00:00:00").first).to_be_visible()
    chart = page.get_by_role("img", name="1m closes")
    chart.scroll_into_view_if_needed()
    expect(chart).to_be_visible()
    expect(chart).to_have_js_property("complete", value=True)
    assert chart.evaluate("picture => picture.naturalWidth") > 0


def test_the_checks_of_an_asset_show_the_verdict_of_each_partition(dev: Dev, page: Page) -> None:
    page.goto(f"{dev.url}/assets/sim/candles?view=checks&checkDetail=vendor_candles")
    expect(page.get_by_text("Checks (3)")).to_be_visible()
    expect(page.get_by_text("ohlc", exact=True).first).to_be_visible()
    page.get_by_role("tab", name="Partitions").last.click()
    expect(page.get_by_text("Passed (4)")).to_be_visible()
    expect(page.get_by_text("Missing (2)")).to_be_visible()
    expect(page.get_by_text("Failed (0)", exact=True)).to_be_visible()


def test_the_history_of_a_check_says_what_was_found(dev: Dev, page: Page) -> None:
    page.goto(f"{dev.url}/assets/sim/candles?view=checks&checkDetail=vendor_candles")
    page.get_by_role("tab", name="Execution history").click()
    row = page.get_by_role("row").filter(has_text=KEY)
    expect(row.get_by_text("candles 1m, candles 5m: passed")).to_be_visible()
    row.get_by_role("button").last.click()
    expect(page.get_by_text("compared").first).to_be_visible()
