"""What `market-data demo` tells of a feed: what was built, what the checks say, what was set aside, a chart."""

import os
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from market_data.cli.console import shown_size
from market_data.domain.charts import candlesticks, page
from market_data.ledger.revision import Revision
from market_data.ledger.schema import revisions
from market_data.pipeline.workspace import Workspace
from market_data.settings import Feed
from market_data.warehouse.sql import WarehouseConnection, connect

_VERDICTS = """
    SELECT "check", symbol, count(DISTINCT date) - count(DISTINCT date) FILTER (NOT passed), count(DISTINCT date)
    FROM quality_reports WHERE feed = $feed AND "table" <> 'partition' GROUP BY ALL ORDER BY ALL
"""
_FINDINGS = """
    SELECT "table", "check", severity, sum(measured), any_value(detail ->> 'unit'), any_value(detail ->> 'mismatch'),
        list(DISTINCT symbol ORDER BY symbol)
    FROM quality_reports
    WHERE feed = $feed AND "table" <> 'partition' AND (NOT passed OR severity IN ('error', 'critical'))
    GROUP BY ALL ORDER BY ALL
"""
_QUARANTINE = """
    SELECT "table", rule, count(*), min(reason) FROM quarantine WHERE feed = $feed GROUP BY ALL ORDER BY ALL
"""
_CANDLES = """
    SELECT epoch_ns(ts_open) AS ts_open, open, high, low, close, volume FROM candles
    WHERE feed = $feed AND symbol = $symbol AND kind = 'time' AND timeframe = '15m' ORDER BY ts_open
"""


def revisions_of(workspace: Workspace, feed: Feed) -> set[int]:
    """Return the ids of the feed's revisions that count."""
    return {revision.id for revision in workspace.ledger.find(revisions.c.feed == feed.name)}


def tell(workspace: Workspace, feed: Feed, before: Collection[int], console: Console) -> None:
    """Print it all; `before` are the revisions that counted before the run."""
    found = workspace.ledger.find(revisions.c.feed == feed.name)
    console.print(_built(feed, found, before))
    with connect(workspace.warehouse) as connection:
        console.print(_verdicts(feed, _rows(connection, _VERDICTS, feed)))
        for line in _findings(_rows(connection, _FINDINGS, feed)):
            console.print(line)
        if aside := _rows(connection, _QUARANTINE, feed):
            console.print(_table("Set aside, by rule", ("table", "rule", "records", "for example"), aside))
        chart = _chart(connection, workspace, feed)
    sql = f"FROM candles WHERE feed = '{feed.name}' AND timeframe = '1d'"
    console.print(f"\nThe chart:  {chart}")
    console.print(f'Ask it:     {_own_name()} query "{sql}"')
    console.print(f"The UI:     {_ui(workspace)}")


def _built(feed: Feed, found: Sequence[Revision], before: Collection[int]) -> Table:
    new = Counter(revision.table for revision in found if revision.id not in before)
    rows: list[tuple[object, ...]] = []
    for name in (*feed.assets, "quarantine"):
        of_table = [revision for revision in found if revision.table == name]
        if of_table:
            count, size = len(of_table), sum(revision.size_bytes for revision in of_table)
            total = sum(revision.rows for revision in of_table)
            rows.append((name, count, total, shown_size(size), new[name], count - new[name]))
    return _table("What was built", ("table", "partitions", "rows", "size", "new", "unchanged"), rows)


def _verdicts(feed: Feed, rows: Sequence[Sequence[Any]]) -> Table:
    """Return days that pass a check, by symbol."""
    cells = {(check, symbol): (passed, days) for check, symbol, passed, days in rows}
    symbols = sorted(feed.symbols)
    table = Table(title="Days that pass, by check and symbol", title_justify="left")
    table.add_column("check")
    for symbol in symbols:
        table.add_column(symbol, justify="right")
    for check in sorted({check for check, _ in cells}):
        passed = [cells.get((check, symbol), (0, 0)) for symbol in symbols]
        table.add_row(check, *(f"[{'green' if n == days else 'red'}]{n} of {days}[/]" for n, days in passed))
    return table


def _findings(rows: Sequence[Sequence[Any]]) -> Iterable[str]:
    for table, check, severity, measured, unit, mismatch, symbols in rows:
        words = f"{severity}: {check} of {table}: {measured:,.10g} {unit} in all, of {', '.join(symbols)}"
        yield f"- {words}" + (f"; such as: {mismatch}" if mismatch else "")


def _chart(connection: WarehouseConnection, workspace: Workspace, feed: Feed) -> Path:
    charts: list[str] = []
    for symbol in sorted(feed.symbols):
        bars = connection.sql(_CANDLES, params={"feed": feed.name, "symbol": symbol}).to_arrow_table()
        charts.append(candlesticks(pl.DataFrame(bars), f"{symbol}, 15m candles from {feed.start}"))
    path = workspace.settings.home / f"{feed.name}.html"
    path.write_text(page(f"{feed.name}: 15m candles", charts), encoding="utf-8")
    return path


def _ui(workspace: Workspace) -> str:
    home = workspace.settings.place
    usual = home == str(Path("data").absolute())
    return "make ui" if usual else f"make ui MARKET_DATA_HOME={shlex.quote(home)}"


def _rows(connection: WarehouseConnection, query: str, feed: Feed) -> list[tuple[Any, ...]]:
    return connection.execute(query, {"feed": feed.name}).fetchall()


def _table(title: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    table = Table(title=title, title_justify="left")
    cells = [[f"{value:,}" if isinstance(value, int) else str(value) for value in row] for row in rows]
    numbers = {n for row in rows for n, value in enumerate(row) if isinstance(value, int)}
    for n, heading in enumerate(headings):
        table.add_column(heading, justify="right" if n in numbers or heading == "size" else "left")
    for row in cells:
        table.add_row(*row)
    return table


def _own_name() -> str:
    """Return the command as it can be typed: with its path where the environment is not activated."""
    return "market-data" if shutil.which("market-data") else os.path.relpath(sys.argv[0])
