"""`market-data health`: tell whether the platform is well, and what to do. The probes: `operations.health`."""

import datetime as dt
import json
from typing import TYPE_CHECKING, Annotated

import typer

from market_data.cli.console import stdout
from market_data.cli.home import check_feed
from market_data.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from market_data.operations.health import Verdict

_COLOURS = {"healthy": "green", "degraded": "yellow", "unhealthy": "red"}


def command(
    feed: Annotated[str | None, typer.Option(help="Only this feed. Default: every one.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Read every file, and not only today's sample of 50.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 when something is degraded, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The verdicts as JSON.")] = False,
) -> None:
    """Tell whether the platform is well: healthy, degraded or unhealthy, and what to do.

    It looks at the configuration, the home, the ledger, the files of warehouse and landing, the disk, Dagster's
    daemon, the vendors and the newest days of each feed. Nothing is mended, and no vendor is asked.

    Exit codes: 0 healthy or degraded, 1 unhealthy (with `--strict`: degraded too), 2 wrong usage.

    For example:

    - `market-data health`

    - `market-data health --full --feed demo --json`
    """
    verdicts = _examined(feed, full=full)
    from market_data.operations.health import HEALTHY, UNHEALTHY, worst

    state = worst(verdicts)
    if as_json:
        typer.echo(json.dumps({"state": state, "verdicts": [_as_dict(verdict) for verdict in verdicts]}, indent=1))
    else:
        _show(state, verdicts)
    if state == UNHEALTHY or (strict and state != HEALTHY):
        raise typer.Exit(1)


def _examined(feed: str | None, *, full: bool) -> "Sequence[Verdict]":
    check_feed(feed)
    from market_data.cli import dagster_daemon
    from market_data.operations.health import Scope, examine, probes
    from market_data.settings import load_settings
    from market_data.sources import catalog

    scope = Scope(lambda: load_settings(catalog()), feed, full=full, now=dt.datetime.now(dt.UTC))
    try:
        verdicts = [*examine(scope, {**probes(), "daemon": dagster_daemon.PROBE})]
        if feed is not None and verdicts[0].bars and "settings" in scope.__dict__:
            raise ConfigurationError(verdicts[0].sentence)  # the settings load, so it is the feed that is wrong
    finally:
        scope.close()
    return verdicts


def _as_dict(verdict: "Verdict") -> dict[str, object]:
    told = {"about": verdict.about, "state": verdict.state, "sentence": verdict.sentence}
    return {**told, "advice": verdict.advice, "figures": dict(verdict.figures)}


def _show(state: str, verdicts: "Sequence[Verdict]") -> None:
    from rich.text import Text

    console = stdout()
    width = max(len(verdict.about) for verdict in verdicts)
    for verdict in verdicts:
        line = Text(f"{verdict.state:<9}", style=_COLOURS[verdict.state])
        console.print(line.append(f"  {verdict.about:<{width}}  {verdict.sentence}", style="default"))
        if verdict.advice and verdict.state != "healthy":
            console.print(Text(f"{'':<{width + 13}}{verdict.advice}", style="dim"))
    console.print(Text(f"\n{state}", style=f"bold {_COLOURS[state]}"))
