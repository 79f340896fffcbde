"""`market-data trace`: where a partition comes from and what was made from it. How it is drawn stands in `_lineage`."""

import json
from typing import Annotated

import typer

from market_data.cli import _shared
from market_data.cli._wanted import symbol_of, table_of

_WIDE = 1_000
"""Where there is no terminal, no line is folded."""


def command(
    feed: _shared.FeedName,
    table: Annotated[str, typer.Argument(help="One of its tables.")],
    symbol: Annotated[str, typer.Argument(help="One of its symbols, by our name.")],
    date: Annotated[str, typer.Argument(help="A UTC day, YYYY-MM-DD.")],
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON.")] = False,
) -> None:
    """Show where a partition comes from: landed files, purchases, revisions, and what was made from it.

    What was made from bytes that were replaced since is marked stale.

    For example:

    - `market-data trace demo candles BTC-USD 2024-01-15`

    - `market-data trace demo trades BTC-USD 2024-01-15 --json`
    """
    from market_data.cli import _lineage
    from market_data.pipeline.lineage import trace

    with _shared.workspace() as workspace:
        found = workspace.feed(feed)
        table_of(found, table, "quarantine")
        partition = found.partition(symbol_of(found, symbol), _shared.day(date, "DATE"))
        traced = trace(workspace, found, table, partition)
        if as_json:
            typer.echo(json.dumps(_lineage.as_dict(traced, workspace.settings.landing), indent=1))
            return
        if not (traced.revisions or traced.landed or traced.bought):
            raise _shared.CommandFailed(
                f"{table} of {partition} was never made: "
                f"`market-data ingest {feed} --start {partition.date} --symbols {symbol}` makes it",
                kind="NotThere",
            )
        console = _shared.stdout()
        if not console.is_terminal:
            console.width = _WIDE
        console.print(_lineage.tree(traced), soft_wrap=False)
