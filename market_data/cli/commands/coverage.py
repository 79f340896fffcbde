"""`market-data coverage`: show which partitions exist and which are missing. How: `coverage_map`."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from market_data.cli.arguments import table_of, today, utc_day
from market_data.cli.home import open_workspace

if TYPE_CHECKING:
    from market_data.pipeline.coverage import Cell
    from market_data.pipeline.workspace import Workspace
    from market_data.settings import Feed


def command(
    feed: Annotated[str | None, typer.Argument(help="A feed. Default: every one.")] = None,
    table: Annotated[str | None, typer.Option(help="A table. Default: trades, or the first that the feed has.")] = None,
    start: Annotated[str | None, typer.Option(metavar="DAY", help="First day. Default: the feed's.")] = None,
    end: Annotated[
        str | None, typer.Option(metavar="DAY", help="Last day, included. Default: the feed's, or yesterday.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="List every partition with its state as JSON.")] = False,
) -> None:
    """Show which partitions exist and which are missing, a square a day.

    A day on which the feed's calendar has no session is not missing. In JSON, `state` is `present`, `set_aside` (there,
    with records in quarantine), `empty` (there, without a row), `missing` or `no_session`.

    For example:

    - `market-data coverage demo`

    - `market-data coverage xrpeth --table candles --start 2019-10-01 --end 2019-10-31`
    """
    with open_workspace(must_exist=False, feed=feed) as workspace:
        feeds = list(workspace.settings.feeds.values()) if feed is None else [workspace.feed(feed)]
        found = [
            (each, _table(each, table), _cells(workspace, each, _table(each, table), start, end)) for each in feeds
        ]
    if as_json:
        typer.echo(json.dumps([_as_dict(each, name, cell) for each, name, cells in found for cell in cells]))
        return
    from market_data.cli.coverage_map import draw

    for each, name, cells in found:
        draw(f"{each.name}/{name}", cells)


def _table(feed: "Feed", asked: str | None) -> str:
    if asked is None:
        return "trades" if "trades" in feed.tables else feed.tables[0]
    return table_of(feed, asked)


def _cells(workspace: "Workspace", feed: "Feed", table: str, start: str | None, end: str | None) -> "list[Cell]":
    """Every partition that can exist, by symbol and day."""
    from market_data.pipeline.coverage import coverage

    first, last = feed.start, feed.last_day(today())
    first = max(first, utc_day(start, "--start")) if start else first
    last = min(last, utc_day(end, "--end")) if end else last
    return coverage(workspace, feed, table, first, last)


def _as_dict(feed: "Feed", table: str, cell: "Cell") -> dict[str, str | int]:
    return {"feed": feed.name, "table": table, **cell._asdict(), "date": cell.date.isoformat()}
