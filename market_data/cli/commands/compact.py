"""`market-data compact`: bring the small files of closed months into one."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from market_data.cli.arguments import today
from market_data.cli.console import progress_bar, shown_size
from market_data.cli.home import open_workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from market_data.warehouse.compaction import Compacted, Month


def command(
    feed: Annotated[str | None, typer.Option("--feed", help="Only of this feed.")] = None,
    tables: Annotated[
        list[str] | None, typer.Option("--tables", help="Only of this table; may be given again.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell which months there are.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Tell what was done as JSON.")] = False,
) -> None:
    """Bring the small files of closed months into one a table, symbol and month. No answer of a query changes.

    The platform does it once a day by itself. What is small and when a month is closed stands under `upkeep` in the
    configuration. Old files stay for a day, for those who read them; then `market-data sweep` removes them. Damaged
    files are left out with a word, and a day that is corrected later gets a file of its own again.

    For example:

    - `market-data compact --dry-run`

    - `market-data compact --feed binance --tables instruments --tables quality_reports`
    """
    with open_workspace(feed=feed) as workspace:
        from market_data.operations.upkeep import compact_all, worth_compacting

        found = worth_compacting(workspace, today(), feed, tables or ())
        if dry_run:
            typer.echo(json.dumps([_month(each) for each in found]) if as_json else _planned(found))
            return
        with progress_bar(len(found), shown=not as_json and bool(found), words="compacting") as advance:
            done = compact_all(workspace, found, today(), lambda number, _, month: advance(number, str(month)))
            advance(len(found), "compacting")
    typer.echo(json.dumps([_result(each) for each in done]) if as_json else _told(done))


def _month(month: "Month") -> dict[str, Any]:
    keys = {"table": month.table, "feed": month.feed, "symbol": month.symbol, "month": f"{month.first:%Y-%m}"}
    return {**keys, "files": month.files, "bytes": month.size_bytes}


def _result(done: "Compacted") -> dict[str, Any]:
    figures = {"days": done.days, "files": done.files, "bytes": done.bytes_before, "bytes_after": done.bytes_after}
    return {**_month(done.month), **figures, "left_out": list(done.left_out)}


def _planned(found: "Sequence[Month]") -> str:
    lines = [f"{month}: {month.files} files of {shown_size(month.size_bytes)}" for month in found]
    return "\n".join([*lines, f"{len(found):,} months would be compacted"])


def _told(done: "Sequence[Compacted]") -> str:
    lines = [f"left as it is: {words}" for each in done for words in each.left_out]
    made = [each for each in done if each.days]
    before, after = sum(each.bytes_before for each in made), sum(each.bytes_after for each in made)
    files = sum(each.files for each in made)
    lines.append(
        f"{len(made):,} months compacted: {files:,} files of {shown_size(before)} are "
        f"{len(made):,} of {shown_size(after)}"
    )
    return "\n".join(lines)
