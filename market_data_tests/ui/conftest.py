"""What every test of the interface shares: a failed one shows what `dagster dev` said."""

from collections.abc import Generator

import pytest

from market_data_tests.ui.dev import Dev


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    dev = item.funcargs.get("dev")
    if report.failed and isinstance(dev, Dev):
        report.sections.append(("dagster dev", dev.output.read_text(encoding="utf-8")))
    return report
