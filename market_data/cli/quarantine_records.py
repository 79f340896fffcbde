"""Records in quarantine, gathered and told for `market-data quarantine`. No command stands here."""

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import typer

from market_data.cli.console import note
from market_data.domain.errors import ConfigurationError, MarketDataError

if TYPE_CHECKING:
    from market_data.domain.partition import Partition
    from market_data.pipeline.quarantine import Wanted
    from market_data.pipeline.release import Released
    from market_data.pipeline.workspace import Workspace


def groups(workspace: "Workspace", wanted: "Wanted", everything: bool) -> list[dict[str, Any]]:
    """Return counts by feed, table, rule and day; with `everything` those of dropped records alone, too."""
    from market_data.pipeline.quarantine import found

    counts: defaultdict[tuple[str, str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for partition, rows in found(workspace, wanted):
        for row in rows.select("table", "rule", "dropped").iter_rows(named=True):
            counted = counts[partition.feed, row["table"], row["rule"], partition.date.isoformat()]
            counted[0] += 1
            counted[1] += row["dropped"] is not None
    names = ("feed", "table", "rule", "date", "records", "dropped")
    shown = [(*key, *counted) for key, counted in sorted(counts.items()) if everything or counted[1] < counted[0]]
    return [dict(zip(names, group, strict=True)) for group in shown]


def records(workspace: "Workspace", wanted: "Wanted", everything: bool, limit: int) -> tuple[list[dict[str, Any]], int]:
    """Return the records, at most `limit` (0: all) of them, and how many there are."""
    from market_data.pipeline.quarantine import found

    shown: list[dict[str, Any]] = []
    total = 0
    for partition, rows in found(workspace, wanted):
        for row in rows.drop("digest").iter_rows(named=True):
            if row["dropped"] is not None and not everything:
                continue
            total += 1
            if not limit or total <= limit:
                shown.append({**_key(partition), **row, "original": json.loads(row["original"])})
    return shown, total


def release(workspace: "Workspace", wanted: "Wanted") -> "tuple[list[Released], list[MarketDataError]]":
    """Return every partition that has such records; one that cannot be replayed stops no other."""
    from market_data.pipeline.quarantine import found
    from market_data.pipeline.release import release as replay

    feed = workspace.feed(wanted.feed or "")
    places = [
        (table, partition) for partition, rows in found(workspace, wanted) for table in sorted(set(rows["table"]))
    ]
    done: list[Released] = []
    refused: list[MarketDataError] = []
    for table, partition in places:
        try:
            if table not in feed.tables or partition.symbol not in feed.symbols:
                raise ConfigurationError(f"{feed.name} has no {table} of {partition.symbol} any more")
            done.append(replay(workspace, table, partition))
        except MarketDataError as error:
            refused.append(error)
    return done, refused


def tell(done: "list[Released]", refused: "list[MarketDataError]", as_json: bool) -> None:
    """Say what was released, what was refused and why, and what is to be run next."""
    from market_data.pipeline.release import following

    commands = following(done)
    if as_json:
        figures = ("released", "stay", "added", "changed", "other_bytes")
        rows = [
            {**_key(each.partition), "table": each.table, **{name: getattr(each, name) for name in figures}}
            for each in done
        ]
        typer.echo(json.dumps({"partitions": rows, "refused": [str(error) for error in refused], "next": commands}))
        return
    for each in done:
        typer.echo(f"{each.table} {each.partition}: {_in_words(each)}")
    for error in refused:
        note(f"refused: {error}")
    if not done and not refused:
        typer.echo("nothing stands in quarantine")
    if commands:
        typer.echo("Make what is made from it:")
        for command in commands:
            typer.echo(f"  {command}")


def _in_words(released: "Released") -> str:
    words = f"{released.released:,} released, {released.stay:,} stay"
    if released.added:
        words += f", {released.added:,} came in"
    return words + ("; the landed bytes are others than before" if released.other_bytes else "")


def _key(partition: "Partition") -> dict[str, str]:
    return {"feed": partition.feed, "symbol": partition.symbol, "date": partition.date.isoformat()}


def show(groups: list[dict[str, Any]]) -> None:
    """Print the counts as a table."""
    from market_data.cli.console import print_table

    names = list(groups[0])
    kinds = ["BIGINT" if name in {"records", "dropped"} else "VARCHAR" for name in names]
    print_table(names, kinds, [[str(group[name]) for group in groups] for name in names])
