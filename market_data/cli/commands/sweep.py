"""`market-data sweep`: settle and remove what processes left behind that died."""

import json
from typing import Annotated

import typer

from market_data.cli.console import status
from market_data.cli.home import open_workspace


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Say how many there were as JSON.")] = False,
) -> None:
    """Settle and remove what writers left that died; what counts is not touched.

    In a folder: claims in the ledger, and files in the making. On a bucket: uploads that did not end, and objects that
    no revision names, each a day old or more. Every writer does the most of it when it starts.
    """
    with open_workspace() as workspace, status("sweeping"):
        count = workspace.warehouse.recover()
    typer.echo(json.dumps({"settled": count}) if as_json else f"settled or removed: {count}")
