"""`market-data demo`: collect, build and check the packaged feed. What is told of it: `demo_report`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from market_data.cli.console import progress_bar, stdout
from market_data.cli.dagster_runs import Line, Materialize, Rectangle
from market_data.cli.errors import CommandFailed
from market_data.cli.ingest_summary import Summary

if TYPE_CHECKING:
    from market_data.settings import Feed, Settings


def command(
    defects: Annotated[bool, typer.Option("--defects", help="With the faults that real vendors deliver.")] = False,
) -> None:
    """Collect, build and check three days of three simulated symbols: no network, no account, the same every time.

    It runs `dagster asset materialize`, as you would for a feed of your own, then shows what was built, what the
    checks say, and where the chart and the UI are. A second run finds everything in landing and changes nothing.
    """
    from market_data.cli import demo_report
    from market_data.pipeline.workspace import opened
    from market_data.settings import Environment, load_settings
    from market_data.settings.environment import PACKAGED_FEEDS
    from market_data.sources import catalog

    settings = load_settings(catalog(), Environment(config=PACKAGED_FEEDS))
    feed = settings.feeds["demo_defects" if defects else "demo"]
    with opened(settings) as workspace:
        before = demo_report.revisions_of(workspace, feed)
        _materialize(settings, feed, settings.home / f"{feed.name}.log")
        demo_report.tell(workspace, feed, before, stdout())


def _materialize(settings: "Settings", feed: "Feed", log: Path) -> None:
    """Run Dagster on the feed's every day and symbol, its output into `log`.

    Raises:
        CommandFailed: the run failed; the text ends with the last lines of the log.
    """
    log.write_bytes(b"")
    runs = Materialize(settings, feed, feed.assets, {}, log)
    rectangle = Rectangle(feed.start, feed.end or feed.start, sorted(feed.symbols))
    summary = Summary(rectangle.partitions)
    with progress_bar(rectangle.partitions) as advance:

        def follow(line: Line) -> None:
            summary.take(line)
            if line["stage"] in {"done", "whole"}:
                advance(summary.done, line.get("partition", "whole already"))

        code = runs.run(rectangle, follow)
    if code:
        raise CommandFailed(runs.last_words())
