"""Ticks and bars against the day's list of instruments: each is known, and trades at prices that it can have."""

from collections.abc import Iterator, Mapping, Sequence

import polars as pl
from pydantic import Field

from market_data.domain.check_support.detail import FIRST
from market_data.domain.check_support.rules import Rule, columns_of, first_rows, judged
from market_data.domain.check_support.tables import nothing_to_judge
from market_data.domain.ports.check import Check, Dimension, Finding, PartitionView, Thresholds

_BARS = ("vendor_candles", "candles")
_JUDGED = ("trades", "quotes", "statistics", *_BARS)
_PRICES = {"trades": ("price",), "quotes": ("bid_price", "ask_price")}


class Limits(Thresholds):
    """What the list may lack."""

    unknown: int = Field(default=0, ge=0, description="how many instruments may be traded without being listed")
    off_tick: int = Field(default=0, ge=0, description="how many rows of a table may have a price between two ticks")


class Instruments:
    """Every instrument that is traded is listed, and its prices are whole ticks."""

    dimension: Dimension = "consistency"
    tables = ("instruments",)
    thresholds = Limits

    def run(self, view: PartitionView) -> Sequence[Finding]:
        """Return findings of the list; a tick size that is not known is not judged."""
        facts = view.facts("instruments")
        if facts is None:
            return nothing_to_judge(view, "instruments", self.tables)
        limits = view.thresholds("instruments", "instruments", Limits)
        listed = _listed(view)
        traded = {table: ids for table in _JUDGED if (ids := _ids(view, table))}
        unknown = sorted({each for ids in traded.values() for each in ids} - listed.keys())
        where = {table: sum(each not in listed for each in ids) for table, ids in traded.items()}
        detail = {"instrument_ids": unknown[:FIRST], "by_table": {table: n for table, n in where.items() if n}}
        rules = [Rule("unknown_instrument", "instruments", len(unknown), limits.unknown, "error", detail)]
        rules += [rule for table in _PRICES for rule in _off_tick(view, table, listed, limits)]
        return judged("instruments", "instruments", rules, {"listed": len(listed)})


def _listed(view: PartitionView) -> dict[str, int | None]:
    """Return the day's instruments, each with its tick size in units of 1e-9; None where it is not known or changed."""
    tick = pl.col("tick_size").to_physical().cast(pl.Int64)
    rows = view.scan("instruments").group_by("instrument_id").agg(ticks=tick.unique()).collect()
    return {each: ticks[0] if len(ticks) == 1 else None for each, ticks in rows.sort("instrument_id").iter_rows()}


def _ids(view: PartitionView, table: str) -> list[str]:
    """Return the instruments of a table; ticks that do not name them are of the partition's only one."""
    if table not in view.tables or view.facts(table) is None:
        return []
    if table in ("trades", "quotes"):
        return view.minutes(table)["instrument_id"].drop_nulls().unique().sort().to_list()
    return view.scan(table).select(pl.col("instrument_id").unique()).collect()["instrument_id"].sort().to_list()


def _off_tick(view: PartitionView, table: str, listed: Mapping[str, int | None], limits: Limits) -> Iterator[Rule]:
    facts = view.facts(table) if table in view.tables else None
    ticks = {each: tick for each, tick in listed.items() if tick}
    if facts is None or not ticks:
        return
    if "instrument_id" in columns_of(view, table):
        ids = pl.col("instrument_id")
        tick = ids.replace_strict(list(ticks), list(ticks.values()), default=None, return_dtype=pl.Int64)
    elif len(listed) == 1:
        tick = pl.lit(next(iter(ticks.values())), pl.Int64)
    else:
        return
    units = [pl.col(name).to_physical().cast(pl.Int64) for name in _PRICES[table]]
    off = pl.any_horizontal((unit % tick != 0).fill_null(value=False) for unit in units)
    rows = int(view.scan(table).select(off.sum()).collect(engine="streaming").item())
    detail = {"of": table, "first": first_rows(view, table, off, facts.rows)} if rows > limits.off_tick else {}
    yield Rule(f"off_tick_{table}", "rows", rows, limits.off_tick, "warning", detail)


CHECK: Check = Instruments()
