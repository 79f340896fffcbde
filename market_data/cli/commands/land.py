"""`market-data land`: bring a vendor's file that you already have into landing."""

import json
from pathlib import Path
from typing import Annotated

import typer

from market_data.cli.arguments import FeedName, day_of, fetched_table, symbol_of
from market_data.cli.console import status
from market_data.cli.home import open_workspace, outlined
from market_data.domain.errors import ConfigurationError


def command(
    feed: FeedName,
    table: Annotated[str, typer.Argument(help="The table that the files are for: trades, vendor_candles, ...")],
    symbol: Annotated[str, typer.Argument(help="Our name of the symbol.")],
    date: Annotated[str, typer.Argument(help="The UTC day, YYYY-MM-DD.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="The files, with the vendor's names.")],
    as_json: Annotated[bool, typer.Option("--json", help="Say what was landed as JSON.")] = False,
) -> None:
    """Bring a vendor's file that you already have into landing, instead of fetching it.

    It is verified as a fetched one is (with the vendor's checksum file, if that lies beside it), and copied: yours
    stays where it is.

    For example:

    - `market-data land xrpeth trades XRP-ETH 2019-10-11 XRPETH-aggTrades-2019-10-11.zip`
    """
    named = outlined(feed)[feed]
    fetched_table(named, table)
    partition = named.partition(symbol_of(named, symbol), day_of(named, date, "DATE"))
    for file in files:
        if not file.is_file():
            raise ConfigurationError(f"{file} is no file")
    with open_workspace(must_exist=False) as workspace:
        from market_data.pipeline.fetch import land

        wanted = workspace.feed(feed)
        request = wanted.request(table, partition)
        with status(f"verifying {len(files)} files"):
            landed = land(workspace, wanted, request, files)
    if as_json:
        typer.echo(json.dumps([{"name": f.name, "size_bytes": f.size_bytes, "sha256": f.sha256} for f in landed]))
        return
    for file in landed:
        typer.echo(f"landed {file.name}: {file.size_bytes:,} bytes, sha256 {file.sha256}")
    typer.echo("Make it a partition:")
    typer.echo(
        f"  dagster asset materialize --select {feed}/{table} --partition '{date}|{symbol}' -m market_data.definitions"
    )
