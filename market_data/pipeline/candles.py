"""One partition's candles from its trades, and what has to be known of the day before."""

import time

import polars as pl

from market_data.domain.account import Account
from market_data.domain.candles import candle_kind
from market_data.domain.errors import MissingInput
from market_data.domain.partition import Partition
from market_data.domain.ports.candle_kind import BarContext
from market_data.domain.tables.candles import TABLE
from market_data.ledger.revision import Revision
from market_data.pipeline.configuration import code_version, of_candles
from market_data.pipeline.workspace import Outcome, Workspace, revision_input
from market_data.settings import Feed
from market_data.warehouse.store import Origin

_SMALL_ROWS = 262_144
_INSTRUMENT = ["instrument_id", "publisher_id"]


def build_candles(workspace: Workspace, feed: Feed, partition: Partition) -> Outcome:
    """Return bars of every kind and timeframe that the feed configures.

    Raises:
        MissingInput: the partition has no trades yet.
    """
    began = time.monotonic()
    trades = workspace.warehouse.current("trades", partition)
    if trades is None:
        raise MissingInput(f"{partition} has no trades yet: materialize {feed.name}/trades of that partition first")
    context, inputs = _context(workspace, feed, partition)
    rows = workspace.warehouse.rows_of(trades)
    bars = pl.concat(
        [candle_kind(kind).build(rows, timeframes, context) for kind, timeframes in sorted(feed.candles.items())]
    )
    # Streaming keeps a large day in little memory, and costs a small one more than the work itself.
    frame = bars.collect(engine="streaming" if trades.rows > _SMALL_ROWS else "in-memory")
    notes = {"trades": trades.rows, "previous_close_known": context.previous_close is not None}
    origin = Origin(
        feed.source,
        code_version(workspace, feed, TABLE.name),
        workspace.run_id,
        [revision_input(trades), *inputs],
        notes,
        began,
        of_candles(workspace, feed, partition.symbol),
    )
    with workspace.warehouse.stage(TABLE.name, partition, TABLE.schema, "ts_open") as staged:
        staged.write(frame)
        revision, changed = staged.commit(Account(records=len(frame), accepted=len(frame)), origin)
    return Outcome(TABLE.name, revision, changed, seconds=time.monotonic() - began)


def _context(workspace: Workspace, feed: Feed, partition: Partition) -> tuple[BarContext, list[dict[str, object]]]:
    source = workspace.source(feed)
    previous: pl.DataFrame | None = None
    inputs: list[dict[str, object]] = []
    if source.empty_bars == "flat" and (found := _previous_close(workspace, partition.day_before)) is not None:
        previous, revision = found
        inputs = [revision_input(revision)]
    context = BarContext(
        day=partition.date,
        clock=source.delivery("trades").clock or "ts_event",
        instrument_id=feed.symbols[partition.symbol],
        empty_bars=source.empty_bars,
        previous_close=previous,
    )
    return context, inputs


def _previous_close(workspace: Workspace, day_before: Partition) -> tuple[pl.DataFrame | None, Revision] | None:
    """Return the last close of the day before, one row an instrument.

    From its candles, which know days without a trade.

    Candles that have none were read all the same: they are an input, by which it shows whether others count by now.
    """
    revision = workspace.warehouse.current(TABLE.name, day_before)
    if revision is None:
        return None
    bars = workspace.warehouse.rows_of(revision).filter(pl.col("kind") == "time")
    # Polars' own choice is the streaming engine, and to put all bars in order: twice the time of a small day.
    latest = bars.filter(pl.col("ts_open") == pl.col("ts_open").max().over(_INSTRUMENT)).sort("ts_open", "timeframe")
    last = latest.group_by(_INSTRUMENT, maintain_order=True).agg(pl.col("close").last())
    closes = last.select(*_INSTRUMENT, "close").collect(engine="in-memory")
    return (closes if len(closes) else None), revision
