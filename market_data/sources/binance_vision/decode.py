"""The archive's CSV columns as the platform's, exactly. No files here: blocks of CSV in, batches of rows out."""

from collections.abc import Callable, Iterable, Iterator

import polars as pl

from market_data.domain.numbers import PRICE, SIZE, TURNOVER, VOLUME
from market_data.domain.ports.source import Batch, Fault
from market_data.domain.time import NS_PER_SECOND
from market_data.vendor_files.csv_blocks import Block, Column, read_csv

_WHOLE, _TEXT, _BOOLEAN = pl.Int64(), pl.String(), pl.Boolean()

_FUTURES_TRADES = (
    Column("agg_trade_id", _WHOLE),
    Column("price", PRICE),
    Column("quantity", SIZE),
    Column("first_trade_id", _WHOLE),
    Column("last_trade_id", _WHOLE),
    Column("transact_time", _WHOLE),
    Column("is_buyer_maker", _BOOLEAN),
)
TRADES = {
    "spot": (*_FUTURES_TRADES, Column("is_best_match", _TEXT, required=False)),
    "futures_um": _FUTURES_TRADES,
}
KLINES = (
    Column("open_time", _WHOLE),
    Column("open", PRICE),
    Column("high", PRICE),
    Column("low", PRICE),
    Column("close", PRICE),
    Column("volume", VOLUME, required=False),
    Column("close_time", _WHOLE, required=False),
    Column("quote_volume", TURNOVER, required=False),
    Column("count", _WHOLE, required=False),
    Column("taker_buy_volume", VOLUME, required=False),
    Column("taker_buy_quote_volume", TURNOVER, required=False),
    Column("ignore", _TEXT, required=False),
)

_NS_PER_MS, _NS_PER_US = NS_PER_SECOND // 1_000, NS_PER_SECOND // 1_000_000
_LAST_MS, _LAST_US = (2**63 - 1) // _NS_PER_MS, (2**63 - 1) // _NS_PER_US


def trade_batches(landed_file: str, chunks: Iterable[bytes], market: str) -> Iterator[Batch]:
    """Aggregate trades of spot or of USD-M futures."""
    for block in read_csv(chunks, TRADES[market]):
        yield _batch(landed_file, block, "transact_time", _trades)


def kline_batches(landed_file: str, chunks: Iterable[bytes], symbol: str, interval: str) -> Iterator[Batch]:
    """Yield klines of one interval."""
    for block in read_csv(chunks, KLINES):
        yield _batch(landed_file, block, "open_time", lambda frame: _klines(frame, symbol, interval))


def _batch(landed_file: str, block: Block, clock: str, shaped: Callable[[pl.DataFrame], pl.DataFrame]) -> Batch:
    timed = block.frame.with_columns(ns=nanoseconds(clock))
    faults = block.faults
    if timed["ns"].null_count():
        known = {fault.row for fault in faults}
        more = [fault for fault in _without_time(timed, clock) if fault.row not in known]
        faults = sorted([*faults, *more], key=lambda fault: fault.row)
    return Batch(landed_file, block.first_record, shaped(timed), block.original, faults)


def nanoseconds(column: str) -> pl.Expr:
    """Return a time in ms, or in µs as spot has it from 2025-01-01, as ns since the epoch; null where it is neither.

    The magnitude tells them apart, as µs before April 1970 do not occur. int64 wraps in silence: hence the bounds.
    """
    time = pl.col(column)
    return (
        pl.when(time.is_between(0, _LAST_MS))
        .then(time * _NS_PER_MS)
        .when(time.is_between(0, _LAST_US))
        .then(time * _NS_PER_US)
    )


def _without_time(timed: pl.DataFrame, clock: str) -> Iterator[Fault]:
    impossible = timed["ns"].is_null() & timed[clock].is_not_null()
    for row in impossible.arg_true():
        reason = f"{clock} is a time neither in ms nor in µs: {timed[clock][row]}"
        yield Fault(row, f"{clock}_is_readable", reason)


def _trades(frame: pl.DataFrame) -> pl.DataFrame:
    maker = pl.col("is_buyer_maker")
    return frame.select(
        ts_event="ns",
        ts_recv=pl.lit(None, pl.Int64),
        trade_id=pl.col("agg_trade_id").cast(pl.String),
        price="price",
        size="quantity",
        # The taker is the aggressor: where the buyer's order was resting, a seller came.
        side=pl.when(maker).then(pl.lit("sell")).when(~maker).then(pl.lit("buy")),
        first_trade_id="first_trade_id",
        last_trade_id="last_trade_id",
        trade_count=pl.col("last_trade_id") - pl.col("first_trade_id") + 1,
    )


def _klines(frame: pl.DataFrame, symbol: str, interval: str) -> pl.DataFrame:
    return frame.select(
        pl.lit("time").alias("kind"),
        pl.lit(interval).alias("timeframe"),
        pl.lit(symbol).alias("instrument_id"),
        pl.lit(None, pl.Int64).alias("publisher_id"),
        pl.col("ns").alias("ts_open"),
        *("open", "high", "low", "close", "volume", "quote_volume"),
        pl.lit(None, TURNOVER).alias("vwap"),
        pl.col("count").alias("trade_count"),
        *("taker_buy_volume", "taker_buy_quote_volume"),
    )
