"""What `market-data ingest --dry-run` shows: what would be fetched, at which cost. It buys nothing."""

import dataclasses
import datetime as dt
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from market_data.cli.arguments import today
from market_data.cli.console import shown_size, status, stdout
from market_data.cli.home import open_workspace

if TYPE_CHECKING:
    from market_data.cli.arguments import Wanted
    from market_data.pipeline.plan import Planned
    from market_data.settings import Feed


def tell(asked: "Wanted[Feed]", *, refetch: bool, as_json: bool) -> None:
    """Ask the vendor, which is free, and show what it says."""
    from market_data.pipeline.plan import plan

    feed = asked.feed
    with open_workspace(must_exist=False) as workspace, status(f"asking {feed.source}"):
        planned = list(plan(workspace, feed, asked.partitions, asked.tables, refetch=refetch))
        spent = workspace.ledger.spending.of_day(feed.name, today())
        paid = workspace.source(feed).paid
    if as_json:
        stdout().print_json(json.dumps(_plain(planned, feed, spent)))
    else:
        _show(planned)
        if paid:
            _show_budget(planned, feed, spent)


def _show(planned: Sequence["Planned"]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("table", "symbol", box=None, pad_edge=False)
    for head in ("to fetch", "landed", "requests", "size", "records", "USD"):
        table.add_column(head, justify="right")
    for each in planned:
        table.add_row(each.table, each.symbol, f"{len(each.absent):,}", f"{len(each.landed):,}", *_figures(each))
    console = stdout()
    console.print(table)
    by_days: dict[str, list[str]] = {}
    for each in planned:
        if each.absent:
            by_days.setdefault(_spans(each.absent), []).append(f"{each.table} {each.symbol}")
    for days, what in by_days.items():
        console.print(f"to fetch, {days}: {', '.join(what)}")
    for each in planned:
        if each.problem:
            console.print(f"[red]{each.table} {each.symbol}[/red]: {escape(each.problem)}")


def _figures(each: "Planned") -> list[str]:
    """Return a count as text; a dash is what the vendor does not tell beforehand."""
    estimate = each.estimate
    if estimate is None:
        return ["-"] * 4 if each.absent else ["0", "0 B", "0", "0"]
    size, records, cost = estimate.size_bytes, estimate.records, estimate.cost_usd
    return [
        f"{estimate.requests:,}",
        "-" if size is None else shown_size(size),
        "-" if records is None else f"{records:,}",
        "-" if cost is None else f"{cost:,.4f}",
    ]


def _spans(days: Sequence[dt.date]) -> str:
    """Return days in a row as `first to last`."""
    spans: list[list[dt.date]] = []
    for day in days:
        if spans and day - spans[-1][-1] == dt.timedelta(days=1):
            spans[-1][1:] = [day]
        else:
            spans.append([day])
    return ", ".join(" to ".join(day.isoformat() for day in span) for span in spans)


def _show_budget(planned: Sequence["Planned"], feed: "Feed", spent: float) -> None:
    cost, budget, console = sum(each.cost_usd for each in planned), feed.budget, stdout()
    console.print(
        f"{cost:,.4f} USD in all; {feed.name} may spend {budget.run_usd:g} USD a run and {budget.day_usd:g} a day, "
        f"of which {spent:,.4f} are spent today"
    )
    if cost > budget.run_usd or spent + cost > budget.day_usd:
        console.print("That is above the budget: the run would stop before the first byte; --allow-cost lets it go on.")


def _plain(planned: Sequence["Planned"], feed: "Feed", spent: float) -> dict[str, Any]:
    return {
        "feed": feed.name,
        "cost_usd": sum(each.cost_usd for each in planned),
        "spent_today_usd": spent,
        "budget": feed.budget.model_dump(),
        "tables": [
            dataclasses.asdict(each)
            | {
                "landed": [day.isoformat() for day in each.landed],
                "absent": [day.isoformat() for day in each.absent],
            }
            for each in planned
        ],
    }
