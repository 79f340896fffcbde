"""Servers to tell, a workspace to tell from, and a clock."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from market_data.domain.alerts import Cause
from market_data.domain.partition import Partition
from market_data.pipeline.workspace import Workspace, opened
from market_data.settings import Alerts
from market_data_tests.feeds import settings_of, simulated
from market_data_tests.vendors.webhook import webhook

__all__ = ["webhook"]

START = dt.datetime(2024, 1, 16, 9, tzinfo=dt.UTC)


@dataclass
class Clock:
    """Stands still until it is moved."""

    now: dt.datetime = field(default=START)

    def pass_(self, **units: float) -> dt.datetime:
        self.now += dt.timedelta(**units)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with opened(settings_of(tmp_path, {"sim": simulated(), "other": simulated()})) as found:
        yield found


def configured(workspace: Workspace, **alerts: Any) -> Workspace:
    """The workspace, with alerts configured so."""
    workspace.settings = workspace.settings.model_copy(update={"alerts": Alerts.model_validate(alerts)})
    return workspace


def late(*days: int, severity: Any = "error", feed: str = "sim", table: str = "trades", **changes: Any) -> Cause:
    """Days of a table that are late."""
    partitions = tuple(Partition(feed, dt.date(2024, 1, day), "AAA-USD") for day in days)
    words = {"title": "days are late", "text": "The vendor has not published them.", **changes}
    return Cause("freshness", severity, feed=feed, table=table, partitions=partitions, **words)
