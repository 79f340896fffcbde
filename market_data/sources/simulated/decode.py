"""The simulated vendor's files as batches of the platform's tables. How text becomes numbers is `_csv`'s matter."""

from collections.abc import Iterator

import dataframely as dy
import polars as pl

from market_data.domain.contract import polars_schema
from market_data.domain.ports.source import Batch, Delivery, LandedFile, Request
from market_data.domain.tables import table
from market_data.domain.tables.trades import Trades
from market_data.sources.simulated import files
from market_data.sources.simulated.rows import COLUMNS
from market_data.vendor_files.csv_blocks import Column, read_csv

_IDENTITY = {
    "instruments": ("instrument_id",),
    "trades": ("trade_id",),
    "vendor_candles": ("kind", "timeframe", "instrument_id", "ts_open"),
}
_CLOCK = {"instruments": None, "vendor_candles": "ts_open"}
_MAY_BE_EMPTY = ("base", "quote", "vwap")


class SimulatedTrades(Trades):
    """Every trade has its running id."""

    trade_id = dy.String(nullable=False, regex=r"^[0-9]{1,18}$")


def delivery(name: str) -> Delivery:
    """Return how the simulated vendor delivers a table."""
    return Delivery(
        schema=SimulatedTrades if name == "trades" else table(name).schema,
        clock=_CLOCK.get(name, "ts_event"),
        identity=_IDENTITY.get(name, ()),
        running_id=name == "trades",
    )


def batches(request: Request, file: LandedFile) -> Iterator[Batch]:
    """Yield one file's records, at most a hundred thousand at a time.

    Raises:
        BadFile: the file is damaged, cut short, or not what the request's would be.
    """
    types = polars_schema(delivery(request.table).schema)
    types.pop("ordinal", None)
    columns = [
        Column(name, types.get(name, pl.String()), required=name not in _MAY_BE_EMPTY)
        for name in COLUMNS[request.table]
    ]
    for block in read_csv(files.chunks(file.path, request), columns):
        frame = block.frame.with_columns(**_unsaid(request, types)).select(list(types))
        yield Batch(file.name, block.first_record, frame, block.original, block.faults)


def _unsaid(request: Request, types: dict[str, pl.DataType]) -> dict[str, pl.Expr]:
    """Return columns of the table that the file has under another name or need not have; else the vendor has none."""
    known = {
        "instruments": {"instrument_id": pl.col("symbol"), "raw_symbol": pl.col("symbol"), "kind": pl.lit("spot")},
        "vendor_candles": {"kind": pl.lit("time"), "instrument_id": pl.lit(request.vendor_symbol)},
    }.get(request.table, {})
    missing = {name: pl.lit(None, dtype) for name, dtype in types.items() if name not in COLUMNS[request.table]}
    return {**missing, **known}
