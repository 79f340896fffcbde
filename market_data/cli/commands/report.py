"""`market-data report`: write the quality of the data as one page. What it tells: `operations.report`."""

import datetime as dt
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from market_data.cli.arguments import today, utc_day
from market_data.cli.console import note
from market_data.cli.home import check_feed, open_workspace
from market_data.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from market_data.domain.report import FeedReport
    from market_data.pipeline.workspace import Workspace
    from market_data.settings import Feed

Days = tuple[dt.date | None, dt.date | None]


def command(
    feed: Annotated[
        list[str] | None, typer.Option(help="A feed, or several with commas between; may be repeated. Default: all.")
    ] = None,
    start: Annotated[str | None, typer.Option(metavar="DAY", help="First day. Default: 30 days with the last.")] = None,
    end: Annotated[
        str | None, typer.Option(metavar="DAY", help="Last day, included. Default: the last that can exist.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the page.")] = Path("report.html"),
    charts: Annotated[
        int, typer.Option(min=0, help="Of how many symbols a feed candles are drawn, worst first; 0: all.")
    ] = 30,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the figures as JSON instead; it does not count as a report.")
    ] = False,
) -> None:
    """Write what is there, what is missing and what is wrong as one page for a browser, or for paper.

    It needs no network and no script: a calendar of scores by day and symbol, the worst partitions with what was found,
    candles with gaps and findings drawn on them, what stands in quarantine and why, and what changed since the last
    report of the same days.

    For example:

    - `market-data report`

    - `market-data report --feed xrpeth --start 2019-10-01 --end 2019-10-31 -o october.html`
    """
    made_ns, names, days = time.time_ns(), _names(feed or ()), _days(start, end)
    with open_workspace() as workspace:
        feeds = [workspace.feed(name) for name in names or workspace.settings.feeds]
        found, left_out = _gathered(workspace, feeds, days, 1 if as_json else charts)
        if as_json:
            typer.echo(json.dumps([_as_dict(each) for each in found], ensure_ascii=False))
            return
        _write(output, found, left_out, made_ns)
        _remember(workspace, found, made_ns)
    for each in found:
        typer.echo(_in_words(each))
    for name in left_out:
        note(f"{name}: nothing is there; left out")
    typer.echo(f"The report: {output}")


def _names(named: Sequence[str]) -> list[str]:
    """Return each feed that is named, once."""
    names = [*dict.fromkeys(name.strip() for each in named for name in each.split(",") if name.strip())]
    for name in names:
        check_feed(name)
    return names


def _days(start: str | None, end: str | None) -> Days:
    """Return the first and the last day, where they are given."""
    first = utc_day(start, "--start") if start else None
    last = utc_day(end, "--end") if end else None
    if first and last and last < first:
        raise ConfigurationError(f"--end {last} is before --start {first}")
    return first, last


def _gathered(
    workspace: "Workspace", feeds: "Sequence[Feed]", asked: Days, charts: int
) -> "tuple[list[FeedReport], list[str]]":
    """Return what there is of each feed, and the names of those of which nothing is there.

    Raises:
        ConfigurationError: nothing is there of any.
    """
    from market_data.operations.report import days_of, gather

    days = {each.name: days_of(workspace, each, *asked, today()) for each in feeds}
    found = [gather(workspace, each, chosen, charts) for each in feeds if (chosen := days[each.name]) is not None]
    if not found:
        names = ", ".join(each.name for each in feeds)
        first, last = asked
        when = f" from {first or 'the start'} to {last or 'now'}" if first or last else ""
        raise ConfigurationError(
            f"nothing to report: no partition of {names} is there{when}; `dagster asset materialize` makes some, "
            "and `market-data coverage` shows what there is"
        )
    return found, [name for name, chosen in days.items() if chosen is None]


def _write(output: Path, feeds: "Sequence[FeedReport]", left_out: Sequence[str], made_ns: int) -> None:
    from market_data import __version__
    from market_data.domain.report import Report, page
    from market_data.domain.time import to_datetime
    from market_data.storage.files import write_atomic

    text = page(Report(to_datetime(made_ns), f"market-data {__version__}", feeds, left_out))
    write_atomic(output, text.encode())


def _remember(workspace: "Workspace", feeds: "Sequence[FeedReport]", made_ns: int) -> None:
    from market_data.operations.report_changes import remember

    for each in feeds:
        remember(workspace, each, made_ns)


def _in_words(feed: "FeedReport") -> str:
    missing = sum(cell.state == "missing" for cell in feed.cells)
    failed = sum(cell.not_passed > 0 for cell in feed.cells)
    aside = sum(each.records for each in feed.set_aside)
    whole = feed.mean("whole")
    score = "not judged" if whole is None else f"mean score {whole:.4f}"
    return (
        f"{feed.name}, {feed.first} to {feed.last}: {score}, {len(feed.judged):,} partitions judged, {failed:,} with "
        f"findings that do not pass, {missing:,} missing, {aside:,} records set aside"
    )


def _as_dict(feed: "FeedReport") -> dict[str, Any]:
    from dataclasses import asdict

    told = {name: value for name, value in asdict(feed).items() if name != "candles"}
    told["scores"] = {name: feed.mean(name) for name in ("whole", *feed.standard)}
    return json.loads(json.dumps(told, default=_text))


def _text(value: object) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)  # type: ignore[attr-defined]
