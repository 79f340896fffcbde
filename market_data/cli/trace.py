"""`market-data trace`: where a partition comes from and what was made from it. How it is drawn stands in `_lineage`."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from market_data.cli import _shared
from market_data.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from market_data.settings import Feed

_WIDE = 1_000
"""Where there is no terminal, no line is folded."""


def command(
    feed: Annotated[str, typer.Argument(help="A feed of the feeds file.")],
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
        _must_have(found, table, symbol)
        partition = found.partition(symbol, _shared.day(date, "DATE"))
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


def _must_have(feed: "Feed", table: str, symbol: str) -> None:
    """Nothing, if the feed has them.

    Raises:
        ConfigurationError: it has not.
    """
    tables = (*feed.assets, "quarantine")
    if table not in tables:
        raise ConfigurationError(f"{feed.name} has no table {table!r}; it has {', '.join(tables)}")
    if symbol not in feed.symbols:
        raise ConfigurationError(f"{feed.name} has no symbol {symbol!r}; it has {', '.join(feed.symbols)}")
