"""`market-data ingest`: fetch, build and check days of a feed, or show what they would cost.

How a plan and a summary are shown stands in `ingest_plan` and `ingest_summary`.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from market_data.cli.arguments import wanted
from market_data.cli.console import stdout
from market_data.cli.errors import CommandFailed
from market_data.cli.home import outlined

if TYPE_CHECKING:
    from market_data.cli.dagster_runs import Line, Materialize, Rectangle
    from market_data.cli.ingest_summary import Summary


def command(  # noqa: PLR0913, PLR0917  the command line's words
    feed: Annotated[str, typer.Argument(help="A feed of the feeds file.")],
    start: Annotated[str, typer.Option(metavar="DAY", help="First UTC day, YYYY-MM-DD.")],
    end: Annotated[str | None, typer.Option(metavar="DAY", help="Last UTC day, included. Default: the first.")] = None,
    symbols: Annotated[str | None, typer.Option(metavar="A,B", help="Our names. Default: all of the feed's.")] = None,
    tables: Annotated[str | None, typer.Option(metavar="T,U", help="Tables to fetch. Default: the feed's.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be fetched, what it costs, and what is there.")
    ] = False,
    allow_cost: Annotated[
        bool, typer.Option("--allow-cost", help="Buy although it is above the feed's budget.")
    ] = False,
    refetch: Annotated[bool, typer.Option("--refetch", help="Ask the vendor again for what is landed.")] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Make days again that are whole.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The plan or the summary as JSON.")] = False,
) -> None:
    """Fetch, build and check days of a feed, through Dagster, so that its UI shows the run.

    What is landed is not fetched again, so that the same command twice fetches once; and a day whose bytes,
    configuration and code are what they were is whole, and is not made again; where Dagster has a record of every day,
    no run is started. Candles, checks and reports of the days follow what was fetched. Ctrl-C ends the run when the
    partition in the making is done, a second one at once; the same command goes on with the rest.

    For example:

    - `market-data ingest es --start 2024-01-15 --end 2024-01-16 --dry-run`

    - `market-data ingest es --start 2024-01-15 --end 2024-01-16 --symbols ES --tables trades,quotes`
    """
    wanted(outlined(feed)[feed], start, end, symbols, tables)  # what is wrong is said before anything heavy is imported
    from market_data.settings import load_settings
    from market_data.sources import catalog

    settings = load_settings(catalog())
    asked = wanted(settings.feeds[feed], start, end, symbols, tables)
    if dry_run:
        from market_data.cli import ingest_plan

        ingest_plan.tell(asked, refetch=refetch, as_json=as_json)
        return
    from market_data.cli.dagster_runs import Materialize, log_of, rectangles
    from market_data.cli.left_to_do import left_to_do

    # Someone is waiting: what failed is told at once, and not tried again minutes later.
    wishes = {"allow_cost": allow_cost, "refetch": refetch, "rebuild": rebuild}
    config = {"retry": False} | {name: True for name, given in wishes.items() if given}
    runs = Materialize(settings, asked.feed, asked.assets, config, log_of(settings, f"ingest-{feed}"))
    first, left = (asked.first, asked.symbols) if refetch or rebuild else left_to_do(asked)
    summary = _run(
        runs, list(rectangles(asked.feed, first, asked.last, left)), len(asked.partitions), shown=not as_json
    )
    if as_json:
        typer.echo(json.dumps(summary.as_dict(), indent=1))
    else:
        summary.show(stdout())
    if summary.stopped:
        raise summary.stopped
    if summary.failed:
        raise CommandFailed(summary.failure(runs))


def _run(runs: "Materialize", rectangles: Sequence["Rectangle"], total: int, *, shown: bool) -> "Summary":
    """Run one after the other, with a bar; what is in no rectangle is whole."""
    from market_data.cli.console import progress_bar
    from market_data.cli.dagster_runs import Stopped
    from market_data.cli.ingest_summary import Summary

    whole = total - sum(rectangle.partitions for rectangle in rectangles)
    summary = Summary(total, done=whole, whole=whole)
    with progress_bar(total, shown=shown) as advance:
        if whole:
            advance(summary.done, f"{summary.whole} are whole")
        for rectangle in rectangles:

            def follow(line: "Line") -> None:
                summary.take(line)
                if line["stage"] == "done":
                    advance(summary.done, f"{line['partition']}  {summary.rate}")
                elif line["stage"] == "whole":
                    advance(summary.done, f"{summary.whole} are whole")

            try:
                summary.exit_codes.append(runs.run(rectangle, follow))
            except Stopped as stopped:
                summary.stopped = stopped
                break
    return summary
