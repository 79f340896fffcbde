"""`market-data coverage`: show which partitions exist and which are missing. How: `coverage_map`."""

import datetime as dt
import json
from typing import TYPE_CHECKING, Annotated

import typer

from market_data.cli.arguments import table_of, today, utc_day
from market_data.cli.home import judged, open_reader, outlined
from market_data.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from market_data.pipeline.coverage import Cell
    from market_data.settings.outline import Outlined


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
    asked = [(each, _table(each, table), *_days(each, start, end)) for each in _feeds(feed)]
    from market_data.pipeline.coverage import coverage

    with open_reader() as reader:
        found = [(each, name, coverage(reader, each, name, *days)) for each, name, *days in asked]
    if as_json:
        typer.echo(json.dumps([_as_dict(each, name, cell) for each, name, cells in found for cell in cells]))
        return
    from market_data.cli.coverage_map import draw

    for each, name, cells in found:
        draw(f"{each.name}/{name}", cells)


def _feeds(name: str | None) -> "Sequence[Outlined]":
    """Return every feed, or the one that is named."""
    from market_data.settings.calendar import check_calendar

    feeds = [*outlined(name).values()]
    try:
        for each in feeds:
            check_calendar(each.calendar)
    except ValueError:
        judged()  # tells where in the file it stands
        raise
    return feeds


def _table(feed: "Outlined", asked: str | None) -> str:
    if asked is None:
        return "trades" if "trades" in feed.tables else feed.tables[0]
    return table_of(feed, asked)


def _days(feed: "Outlined", start: str | None, end: str | None) -> tuple[dt.date, dt.date]:
    asked_first, asked_last = (utc_day(start, "--start") if start else None), (utc_day(end, "--end") if end else None)
    if asked_first and asked_last and asked_last < asked_first:
        raise ConfigurationError(f"--end ({asked_last}) lies before --start ({asked_first})")
    first, last = feed.start, feed.last_day(today())
    return max(first, asked_first or first), min(last, asked_last or last)


def _as_dict(feed: "Outlined", table: str, cell: "Cell") -> dict[str, str | int]:
    return {"feed": feed.name, "table": table, **cell._asdict(), "date": cell.date.isoformat()}
