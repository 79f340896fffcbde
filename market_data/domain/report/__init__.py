"""A quality report as one HTML page: dataclasses in, text out. Nothing is collected and nothing is judged here."""

from market_data.domain.report.model import (
    Candles,
    Cell,
    Changes,
    Fault,
    FeedReport,
    Moved,
    Replaced,
    Report,
    SetAside,
    State,
    Totals,
)
from market_data.domain.report.page import page

__all__ = [
    "Candles",
    "Cell",
    "Changes",
    "Fault",
    "FeedReport",
    "Moved",
    "Replaced",
    "Report",
    "SetAside",
    "State",
    "Totals",
    "page",
]
