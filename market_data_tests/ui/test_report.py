"""A report in a real browser: light, dark, narrow and on paper."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from market_data.domain.report import page as page_of
from market_data_tests.reports import full_feed, report_of
from market_data_tests.ui.chromium import CHROMIUM

pytestmark = [
    pytest.mark.ui,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]
WIDE, NARROW = 1_200, 480
Scheme = Literal["light", "dark"]
_BACKGROUND = "getComputedStyle(document.body).backgroundColor"
_INK = "getComputedStyle(document.querySelector('.totals td')).color"
_CANDLE = "getComputedStyle(document.querySelector('.candles .f')).fill"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a small feed and one of many symbols over more than two months."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    many = full_feed("many", [f"SYM{n:02}-USD" for n in range(12)], 80)
    path.write_text(page_of(report_of(full_feed(), many)), encoding="utf-8")
    return path


@pytest.fixture
def pages(
    browser: Browser, report: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[dict[Scheme, Page]]:
    """The report as readers of light and of dark systems see it, and pictures of that, as in `test_browser`."""
    folder = Path(os.environ.get("MARKET_DATA_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    schemes: tuple[Scheme, Scheme] = ("light", "dark")
    opened: dict[Scheme, Page] = {}
    for scheme in schemes:
        opened[scheme] = browser.new_page(viewport={"width": WIDE, "height": 900}, color_scheme=scheme, offline=True)
        opened[scheme].goto(report.as_uri())
    yield opened
    for scheme, page in opened.items():
        page.screenshot(path=folder / f"{request.node.name}-{scheme}.png")
        page.close()


def test_the_calendar_is_seen_and_leads_to_a_symbol(pages: dict[Scheme, Page]) -> None:
    page = pages["light"]
    expect(page.get_by_role("heading", name="Calendar").first).to_be_visible()
    square = page.get_by_title(re.compile("^AAA-USD, 23 Jan 2024")).first
    expect(square).to_have_text("62")
    colours = {
        name: page.locator(f"td.{name}").first.evaluate("square => getComputedStyle(square).backgroundColor")
        for name in ("h5", "h4", "h3", "h2", "h1", "h0")
    }
    assert len(set(colours.values())) == len(colours)
    square.click()
    assert page.url.endswith("#sim-AAA-USD")
    expect(page.locator("#sim-AAA-USD svg.candles")).to_be_in_viewport()


def test_no_page_is_wider_than_its_window(pages: dict[Scheme, Page]) -> None:
    for page in pages.values():
        for width in (WIDE, NARROW):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_dark_system_gets_other_colours(pages: dict[Scheme, Page]) -> None:
    for script in (_BACKGROUND, _INK, _CANDLE):
        assert pages["light"].evaluate(script) != pages["dark"].evaluate(script)


def test_on_paper_it_is_light_and_no_wider_than_the_sheet(pages: dict[Scheme, Page]) -> None:
    light, dark = pages["light"].evaluate(_BACKGROUND), pages["dark"]
    dark.emulate_media(media="print")
    assert dark.evaluate(_BACKGROUND) == light
    a4_landscape = 1_032  # 297 mm less two margins of 12 mm, at 96 dots an inch
    dark.set_viewport_size({"width": a4_landscape, "height": 700})
    assert dark.evaluate("document.documentElement.scrollWidth") <= a4_landscape
    assert dark.pdf(prefer_css_page_size=True, print_background=True).startswith(b"%PDF")
