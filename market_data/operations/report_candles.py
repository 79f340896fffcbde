"""The candles that a report draws of a symbol: of a timeframe that suits the days. Nothing is drawn here."""

from collections.abc import Sequence

import polars as pl

from market_data.domain.report import Candles
from market_data.domain.time import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND
from market_data.ledger.revision import Revision
from market_data.pipeline.workspace import Workspace

MOST = 750
"""How many candles of a symbol a picture has room for."""
_TABLES = ("candles", "vendor_candles")
_GROUP = ("timeframe", "instrument_id", "publisher_id")
_VALUES = ("ts_open", "open", "high", "low", "close", "volume")
_UNITS = {"s": NS_PER_SECOND, "m": NS_PER_MINUTE, "h": NS_PER_HOUR, "d": NS_PER_DAY, "w": 7 * NS_PER_DAY}


def candles_of(workspace: Workspace, revisions: Sequence[Revision]) -> Candles | None:
    """Return the candles of these partitions of one symbol; the vendor's where there are none of ours.

    None without any.

    Of several instruments or venues, those with the most candles are drawn, and it is said. The timeframe is the
    finest of which the days have at most `MOST`; where even the coarsest has more, its candles are joined.

    Raises:
        WarehouseDamaged: a file is not what the ledger says.
    """
    for table in _TABLES:
        files = [each for each in revisions if each.table == table and each.rows]
        if not files:
            continue
        rows = pl.concat([_bars(workspace, each) for each in files]).collect()
        workspace.warehouse.release()
        if len(rows):
            days = len({each.partition.date for each in files})
            return _chosen(rows, days, "the vendor's " if table == "vendor_candles" else "")
    return None


def _bars(workspace: Workspace, revision: Revision) -> pl.LazyFrame:
    return workspace.warehouse.rows_of(revision).filter(pl.col("kind") == "time").select(*_GROUP, *_VALUES)


def _chosen(rows: pl.DataFrame, days: int, whose: str) -> Candles:
    counts = rows.group_by(_GROUP).len().sort("len", *_GROUP, descending=[True, False, False, False])
    instrument, venue = counts.select("instrument_id", "publisher_id").row(0)
    same = pl.col("instrument_id").eq_missing(instrument) & pl.col("publisher_id").eq_missing(venue)
    widths = {name: width_ns(name) for name in rows.filter(same)["timeframe"].unique()}
    ordered = sorted(widths, key=lambda name: widths[name])
    room = [name for name in ordered if days * NS_PER_DAY // widths[name] <= MOST]
    timeframe = room[0] if room else ordered[-1]
    bars = rows.filter(same, pl.col("timeframe") == timeframe).select(_VALUES).sort("ts_open")
    others = counts.select("instrument_id", "publisher_id").unique().height - 1
    said = f"{whose}{timeframe} candles" + (f" of {instrument}, {others} more not drawn" if others else "")
    joined = -(-days * NS_PER_DAY // widths[timeframe] // MOST)
    if joined <= 1:
        return Candles(bars, widths[timeframe], said)
    return Candles(_joined(bars, joined * widths[timeframe]), joined * widths[timeframe], f"{said}, {joined} in one")


def _joined(bars: pl.DataFrame, width: int) -> pl.DataFrame:
    opens = (pl.col("ts_open") // width * width).alias("ts_open")
    values = (
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").cast(pl.Float64).sum(),
    )
    return bars.group_by(opens, maintain_order=True).agg(values)


def width_ns(timeframe: str) -> int:
    """Return how long a bar of time is, such as `15m`."""
    return int(timeframe[:-1]) * _UNITS[timeframe[-1]]
