"""Instruments, which the archive does not publish: what the feed's configuration and the symbol's spelling tell."""

import json
from pathlib import Path

import polars as pl

from market_data.domain.contract import polars_schema
from market_data.domain.errors import BadFile
from market_data.domain.ports.source import Batch, Fetched, Request
from market_data.domain.tables.instruments import Instruments
from market_data.domain.time import to_ns
from market_data.sources.binance_vision.archive import Market, base_and_quote, delivery


def configured(request: Request, market: Market, workdir: Path) -> Fetched:
    """Return a file of what is configured; the same bytes as long as the configuration says the same."""
    vendor_symbol = request.vendor_symbol
    record = {"symbol": request.partition.symbol, "vendor_symbol": vendor_symbol, "market": market}
    path = workdir / f"{vendor_symbol}-instrument.json"
    path.write_text(json.dumps(record, sort_keys=True) + "\n", encoding="utf-8")
    return Fetched(path, path.name, "feed configuration")


def batch(landed_file: str, content: bytes) -> Batch:
    """Return the one instrument of the file. Steps and sizes are not published: null.

    Raises:
        BadFile: the file is not one of `configured`.
    """
    try:
        record: dict[str, str] = json.loads(content)
        row = _row(record["symbol"], record["vendor_symbol"], record["market"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadFile(f"is no description of an instrument: {error}") from error
    frame = pl.DataFrame([row], schema=polars_schema(Instruments))
    return Batch(landed_file, 0, frame, lambda _: record)


def _row(symbol: str, vendor_symbol: str, market: str) -> dict[str, object]:
    base, quote = base_and_quote(symbol, vendor_symbol)
    expiry = delivery(vendor_symbol) if market == "futures_um" else None
    kind = "spot" if market == "spot" else "future" if expiry else "perpetual"
    return {
        "instrument_id": vendor_symbol,
        "raw_symbol": vendor_symbol,
        "kind": kind,
        "base": base,
        "quote": quote,
        "expiry": to_ns(expiry) if expiry else None,
    }
