"""What shapes a revision besides its inputs: the version of the code, and a fingerprint of the configuration.

What changes no row is left out: budgets, repairs, schedules, other symbols. Nothing is made or judged here.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from market_data import __version__
from market_data.domain.checks import check
from market_data.domain.partition import Partition
from market_data.pipeline.workspace import Workspace
from market_data.settings import Feed
from market_data.settings.calendar import sessions

REPORT, CANDLES = "quality_reports", "candles"


def code_version(workspace: Workspace, feed: Feed, table: str) -> str:
    """Return which code makes a table of a feed now; of a fetched one its source's version is a part."""
    ours = f"market-data {__version__}"
    return f"{ours}, {feed.source} {workspace.source(feed).version}" if table in feed.tables else ours


def of_fetched(feed: Feed, table: str, symbol: str) -> str:
    """Return the fingerprint of what shapes a fetched table: the source's options and the changes of its rules."""
    shape = {
        "source": feed.source,
        "options": _plain(feed.options),
        "vendor_symbol": feed.symbols[symbol],
        "rules": dataclasses.asdict(feed.amendments(table)),
    }
    return _fingerprint(shape)


def of_candles(workspace: Workspace, feed: Feed, symbol: str) -> str:
    """Return the fingerprint of what shapes candles: kinds, timeframes, and how the vendor counts."""
    source = workspace.source(feed)
    shape = {
        "candles": {kind: list(timeframes) for kind, timeframes in sorted(feed.candles.items())},
        "instrument": feed.symbols[symbol],
        "empty_bars": source.empty_bars,
        "clock": source.delivery("trades").clock,
    }
    return _fingerprint(shape)


def of_report(feed: Feed, partition: Partition, beside: Mapping[str, Any]) -> str:
    """Return the fingerprint of what shapes a report: checks, thresholds, sessions, and what lies beside its tables.

    Args:
        beside: what checks see that is none of the report's inputs: the quarantine, the day before, other feeds.
    """
    shape = {
        "checks": _thresholds(feed),
        "standard": _plain(feed.quality),
        "due_at": feed.due_at(partition.date).isoformat(),
        "sessions": sessions(feed.calendar, partition.date),
        "beside": beside,
    }
    return _fingerprint(shape)


def _thresholds(feed: Feed) -> dict[str, dict[str, Any]]:
    """Return what each check holds against, defaults too, by check and table."""
    found: dict[str, dict[str, Any]] = {}
    for name in feed.judged_by:
        judge = check(name)
        found[name] = {table: _plain(feed.thresholds(name, table, judge.thresholds)) for table in judge.tables}
    return found


def _plain(model: Any) -> Any:
    return None if model is None else model.model_dump(mode="json")


def _fingerprint(shape: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(shape, sort_keys=True, default=str).encode()).hexdigest()
