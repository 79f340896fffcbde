"""The figures that several checks ask of one table, in one pass over it. No rules."""

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from market_data.domain.check_support.scan import collected, with_previous
from market_data.domain.checks import check
from market_data.domain.ports.check import Asks, PartitionView

Figures = Mapping[str, Mapping[str, Any]]
"""By check, by name."""


def figures(view: PartitionView, table: str, checks: Iterable[str]) -> Figures:
    """Return what these checks ask of a table, computed together."""
    asked: dict[str, Mapping[str, pl.Expr]] = {}
    for name in checks:
        judge = check(name)
        if table in judge.tables and isinstance(judge, Asks):
            asked[name] = judge.asks(view, table)
    wanted = [expr.alias(f"{name} {ask}") for name, asks in asked.items() for ask, expr in asks.items()]
    facts = view.facts(table)
    values: dict[str, Any] = {}
    if wanted:
        values = collected(with_previous(view.scan(table), wanted).select(wanted), facts.rows if facts else 0).row(
            0, named=True
        )
    return {name: {ask: values[f"{name} {ask}"] for ask in asks} for name, asks in asked.items()}
