"""What every test of the interface shares: the browser, and what `dagster dev` said where one fails."""

from collections.abc import Generator, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from market_data_tests.ui.chromium import CHROMIUM, QUIET
from market_data_tests.ui.dev import Dev


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    dev = item.funcargs.get("dev")
    if report.failed and isinstance(dev, Dev):
        report.sections.append(("dagster dev", dev.output.read_text(encoding="utf-8")))
    return report


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()
