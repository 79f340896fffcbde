"""`market-data quarantine`: see, release or drop the records that broke a contract. How: `quarantine_records`."""
# ruff: noqa: PLR0913, PLR0917  a command's arguments are its words

import json
from typing import TYPE_CHECKING, Annotated

import typer

from market_data.cli import quarantine_records
from market_data.cli.arguments import AsJson, FeedName, fetched_table, symbol_of, utc_day
from market_data.cli.console import note
from market_data.cli.home import check_home, open_workspace, outlined

if TYPE_CHECKING:
    from market_data.pipeline.quarantine import Wanted

app = typer.Typer(
    no_args_is_help=True,
    help="""Work on the records that broke a contract: see them, release them after the cause was mended, or drop them.

    For example:

    - `market-data quarantine list`

    - `market-data quarantine show xrpeth --rule price_is_positive`

    - `market-data quarantine release xrpeth trades XRP-ETH 2019-10-11`
    """,
)

Table = Annotated[str | None, typer.Argument(help="Its table. Default: every one.")]
Symbol = Annotated[str | None, typer.Argument(help="Our name of the symbol. Default: every one.")]
Date = Annotated[str | None, typer.Argument(help="The UTC day, YYYY-MM-DD. Default: all, or --start and --end.")]
Rule = Annotated[str | None, typer.Option(help="Records that broke this rule.")]
Start = Annotated[str | None, typer.Option(metavar="DAY", help="First day.")]
End = Annotated[str | None, typer.Option(metavar="DAY", help="Last day, included.")]
Dropped = Annotated[bool, typer.Option("--all", help="Those that were dropped, too.")]


@app.command("list")
def listed(
    feed: Annotated[str | None, typer.Option(help="Of this feed.")] = None,
    table: Annotated[str | None, typer.Option(help="Of this table.")] = None,
    symbol: Annotated[str | None, typer.Option(help="Of this symbol.")] = None,
    rule: Rule = None,
    start: Start = None,
    end: End = None,
    everything: Dropped = False,
    as_json: AsJson = False,
) -> None:
    """Count the records by feed, table, rule and day.

    For example:

    - `market-data quarantine list --feed xrpeth --start 2019-10-01`
    """
    wanted = _wanted(feed, table, symbol, None, rule, start, end)
    with open_workspace(must_exist=False) as workspace:
        groups = quarantine_records.groups(workspace, wanted, everything)
    if as_json:
        typer.echo(json.dumps(groups, ensure_ascii=False))
    elif groups:
        quarantine_records.show(groups)
    else:
        typer.echo("nothing stands in quarantine")


@app.command()
def show(
    feed: FeedName,
    table: Table = None,
    symbol: Symbol = None,
    date: Date = None,
    rule: Rule = None,
    start: Start = None,
    end: End = None,
    everything: Dropped = False,
    limit: Annotated[int, typer.Option(min=0, help="Most records; 0 shows all.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show the records as the vendor wrote them, why they were set aside, and where they stood in the landed file.

    Records of a file are numbered from 0, a header line not counted.

    For example:

    - `market-data quarantine show xrpeth trades XRP-ETH 2019-10-11`
    """
    wanted = _wanted(feed, table, symbol, date, rule, start, end)
    with open_workspace(must_exist=False) as workspace:
        records, total = quarantine_records.records(workspace, wanted, everything, limit)
    if as_json:
        typer.echo(json.dumps(records, ensure_ascii=False))
        return
    for record in records:
        typer.echo("{table} {symbol} {date}: {landed_file}, record {record_number}".format(**record))
        typer.echo(f"  {record['rule']}: {record['reason']}")
        typer.echo(f"  {json.dumps(record['original'], ensure_ascii=False)}")
        if record["dropped"] is not None:
            typer.echo(f"  dropped: {record['dropped']}")
    if not records:
        typer.echo("nothing stands in quarantine")
    elif len(records) < total:
        note(f"{len(records):,} of {total:,} records shown; --limit 0 shows all")


@app.command()
def release(
    feed: FeedName,
    table: Table = None,
    symbol: Symbol = None,
    date: Date = None,
    rule: Rule = None,
    start: Start = None,
    end: End = None,
    as_json: AsJson = False,
) -> None:
    """Replay landed files after a rule or a source was mended: what is accepted now leaves the quarantine.

    It replays each partition that has such records, whole, from the bytes that are landed; no vendor is asked. What is
    still rejected stays, and doing it twice changes nothing. Candles and reports are made by Dagster afterwards: the
    commands are printed.

    For example:

    - `market-data quarantine release xrpeth trades XRP-ETH 2019-10-11`

    - `market-data quarantine release xrpeth --rule price_is_positive --start 2019-10-01`
    """
    check_home()
    wanted = _wanted(feed, table, symbol, date, rule, start, end)
    with open_workspace() as workspace:
        done, refused = quarantine_records.release(workspace, wanted)
    quarantine_records.tell(done, refused, as_json)
    if refused:
        raise typer.Exit(1)


@app.command()
def drop(
    feed: FeedName,
    table: Table = None,
    symbol: Symbol = None,
    date: Date = None,
    rule: Rule = None,
    start: Start = None,
    end: End = None,
    why: Annotated[str, typer.Option(help="What was found; it is kept.")] = "looked at and not wanted",
    undo: Annotated[bool, typer.Option("--undo", help="Take it back.")] = False,
) -> None:
    """Note that records were looked at and are not wanted: they are listed no more, and kept.

    They stay in quarantine, where the partition's account counts them, and a later `release` may accept them.

    For example:

    - `market-data quarantine drop xrpeth --rule price_is_positive --why "test trades, the vendor says"`

    - `market-data quarantine drop xrpeth --rule price_is_positive --undo`
    """
    wanted = _wanted(feed, table, symbol, date, rule, start, end)
    from market_data.pipeline import quarantine

    with open_workspace(must_exist=False) as workspace:
        count = quarantine.undo(workspace, wanted) if undo else quarantine.drop(workspace, wanted, why)
    typer.echo(f"{count:,} records are {'no longer ' if undo else ''}dropped")


def _wanted(feed: str | None, *words: str | None) -> "Wanted":
    """Return the filters that the words name: table, symbol, date, rule, start, end.

    Raises:
        ConfigurationError: there is no such feed, table or symbol, or a day is none.
    """
    table, symbol, date, rule, start, end = words
    if feed is not None:
        stanza = outlined(feed)[feed]
        if table is not None:
            fetched_table(stanza, table)
        if symbol is not None:
            symbol_of(stanza, symbol)
    first = utc_day(start, "--start") if start else None
    last = utc_day(end, "--end") if end else None
    if date is not None:
        first = last = utc_day(date, "DATE")
    from market_data.pipeline.quarantine import Wanted

    return Wanted(feed, table, symbol, rule, first, last)
