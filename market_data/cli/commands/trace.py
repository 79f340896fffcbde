"""`market-data trace`: show where a partition comes from and what was made from it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from market_data.cli.arguments import FeedName, symbol_of, table_of, utc_day
from market_data.cli.console import shown_size, stdout
from market_data.cli.errors import CommandFailed
from market_data.cli.home import open_workspace, outlined
from market_data.domain.time import to_datetime

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.tree import Tree

    from market_data.landing import Known
    from market_data.ledger.revision import Revision
    from market_data.pipeline.lineage import Link, Trace

_HASH = 12
_WIDE = 1_000
"""Where there is no terminal, no line is folded."""


def command(
    feed: FeedName,
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
    named = outlined(feed)[feed]
    table_of(named, table, "quarantine")
    partition = named.partition(symbol_of(named, symbol), utc_day(date, "DATE"))
    with open_workspace() as workspace:
        from market_data.pipeline.lineage import trace

        traced = trace(workspace, workspace.feed(feed), table, partition)
        if as_json:
            typer.echo(json.dumps(_as_dict(traced, workspace.settings.landing), indent=1))
            return
        if not (traced.revisions or traced.landed or traced.bought):
            raise CommandFailed(
                f"{table} of {partition} was never made: "
                f"`market-data ingest {feed} --start {partition.date} --symbols {symbol}` makes it",
                kind="NotThere",
            )
        console = stdout()
        if not console.is_terminal:
            console.width = _WIDE
        console.print(_tree(traced), soft_wrap=False)


def _tree(traced: "Trace") -> "Tree":
    """As a tree for a terminal."""
    from rich.markup import escape
    from rich.tree import Tree

    partition, stale = traced.partition, "  [red]stale: made from what was replaced since[/]" if traced.is_stale else ""
    root = Tree(f"[bold]{partition.feed}/{traced.table}[/] {partition.symbol} {partition.date.isoformat()}{stale}")
    if traced.landed:
        branch = root.add("landed files")
        for known in traced.landed:
            branch.add(_file(known)).add(escape(f"from {known.file.origin}, landed {known.landed_at}"))
    if traced.bought:
        branch = root.add(f"bought for {sum(each.cost_usd for each in traced.bought):.4f} USD")
        for each in traced.bought:
            branch.add(escape(f"{_time(each.spent_ns)}  {each.cost_usd:.4f} USD  {each.what}  run {each.run_id}"))
    _add_links(root, "made from", traced.upstream)
    branch = root.add("revisions" if traced.revisions else "no revision yet")
    for revision in reversed(traced.revisions):
        node = branch.add(_head(revision))
        for line in _lines(revision):
            node.add(escape(line))
    _add_links(root, "made from this", traced.downstream)
    return root


def _add_links(root: "Tree", title: str, links: "Sequence[Link]") -> None:
    if not links:
        return
    branch = root.add(title)
    for link in links:
        state = "[green]current[/]" if link.state == "current" else "[red]stale[/]"
        node = branch.add(f"{link.table} {link.date.isoformat()}  revision {link.made_from}  {state}")
        for known in link.landed:
            node.add(_file(known))


def _file(known: "Known") -> str:
    from rich.markup import escape

    mark = "[green]counts[/]" if known.counts else "[dim]superseded[/]"
    return f"{escape(known.file.name)}  {shown_size(known.file.size_bytes)}  {known.file.sha256[:_HASH]}  {mark}"


def _head(revision: "Revision") -> str:
    colour = {"current": "green", "lost": "red"}.get(revision.state, "dim")
    size = shown_size(revision.size_bytes)
    words = (
        f"{revision.revision}  [{colour}]{revision.state}[/]  {_time(revision.committed_ns)}  {revision.rows:,} rows"
    )
    return f"{words}  {size}  {revision.sha256[:_HASH]}"


def _lines(revision: "Revision") -> list[str]:
    account = ", ".join(f"{name} {value:,}" for name, value in revision.account.as_dict().items())
    lines = [f"by {revision.code_version}, run {revision.run_id}", f"account: {account}", revision.path.as_posix()]
    if revision.notes:
        lines.insert(2, f"notes: {json.dumps(dict(revision.notes))}")
    return lines


def _as_dict(traced: "Trace", landing: Path) -> dict[str, Any]:
    """As JSON has it; instants in ISO 8601, UTC. Paths of landed files are relative to `landing`."""
    partition = traced.partition
    return {
        "feed": partition.feed,
        "table": traced.table,
        "symbol": partition.symbol,
        "date": partition.date.isoformat(),
        "stale": traced.is_stale,
        "landed": [_landed(known, landing) for known in traced.landed],
        "bought": [
            {"at": _time(each.spent_ns), "cost_usd": each.cost_usd, "what": each.what, "run": each.run_id}
            for each in traced.bought
        ],
        "made_from": [
            {**_link(link), "landed": [_landed(known, landing) for known in link.landed]} for link in traced.upstream
        ],
        "revisions": [_revision(revision) for revision in traced.revisions],
        "made_from_this": [_link(link) for link in traced.downstream],
    }


def _landed(known: "Known", landing: Path) -> dict[str, Any]:
    file = known.file
    told = {"name": file.name, "sha256": file.sha256, "bytes": file.size_bytes, "origin": file.origin}
    path = file.path.relative_to(landing).as_posix()
    return {**told, "path": path, "landed_at": known.landed_at, "counts": known.counts}


def _link(link: "Link") -> dict[str, Any]:
    return {"table": link.table, "date": link.date.isoformat(), "revision": link.made_from, "state": link.state}


def _revision(revision: "Revision") -> dict[str, Any]:
    return {
        "revision": revision.revision,
        "state": revision.state,
        "committed_at": _time(revision.committed_ns),
        "rows": revision.rows,
        "bytes": revision.size_bytes,
        "sha256": revision.sha256,
        "path": revision.path.as_posix(),
        "account": revision.account.as_dict(),
        "code_version": revision.code_version,
        "run": revision.run_id,
        "notes": dict(revision.notes),
        "inputs": [dict(each) for each in revision.inputs],
    }


def _time(ns: int) -> str:
    return f"{to_datetime(ns):%Y-%m-%dT%H:%M:%SZ}"
