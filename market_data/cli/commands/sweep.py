"""`market-data sweep`: settle and remove what processes left behind that died."""

import json
from typing import Annotated

import typer

from market_data.cli.console import status
from market_data.cli.home import open_workspace


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Say how many there were as JSON.")] = False,
) -> None:
    """Remove what writers left that died, and files that nothing is read from any more; what counts is not touched.

    Files, and on a bucket uploads that did not end, stay for a day: a writer may be about to commit them, a reader may
    be reading them, here or on another machine. So do those that `market-data compact` brought into one.

    Where the configuration has `upkeep: {history: 90d}`, revisions expire that were superseded longer ago, and their
    files go a day later. `--as-of` a time before is an error from then on that says since when history is whole.
    """
    with open_workspace() as workspace, status("sweeping"):
        count = workspace.warehouse.sweep(workspace.settings.upkeep.history_ns)
    typer.echo(json.dumps({"removed": count}) if as_json else f"removed: {count}")
