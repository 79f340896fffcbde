"""Binance's own klines of two days of XRP/ETH, every one of them, equal the bars built from its trades."""

import csv
import datetime as dt
import io
import zipfile
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from market_data.domain.candles.time import KIND
from market_data.domain.numbers import PRICE, SIZE, VOLUME
from market_data.domain.ports.candle_kind import BarContext

DAILY = Path(__file__).parents[4] / "shared/data/binance-vision/data/spot/daily"
DAYS = (dt.date(2019, 10, 11), dt.date(2019, 10, 12))
FIGURES = {"open": PRICE, "high": PRICE, "low": PRICE, "close": PRICE, "volume": VOLUME}

pytestmark = pytest.mark.skipif(not DAILY.is_dir(), reason="the real Binance files do not lie beside the project")


def records(path: str) -> list[list[str]]:
    with zipfile.ZipFile(DAILY / path) as archive:
        return list(csv.reader(io.StringIO(archive.read(archive.namelist()[0]).decode())))


def trades(day: dt.date) -> pl.DataFrame:
    rows = records(f"aggTrades/XRPETH/XRPETH-aggTrades-{day}.zip")
    columns = {
        "ts_event": pl.Series([int(row[5]) * 10**6 for row in rows], dtype=pl.Int64),
        "price": pl.Series([Decimal(row[1]) for row in rows], dtype=PRICE),
        "size": pl.Series([Decimal(row[2]) for row in rows], dtype=SIZE),
        "trade_count": pl.Series([int(row[4]) - int(row[3]) + 1 for row in rows], dtype=pl.Int64),
    }
    return pl.DataFrame(columns)


def klines(timeframe: str, day: dt.date) -> pl.DataFrame:
    rows = records(f"klines/XRPETH/{timeframe}/XRPETH-{timeframe}-{day}.zip")
    figures = {
        name: pl.Series([Decimal(row[place]) for row in rows], dtype=dtype)
        for place, (name, dtype) in enumerate(FIGURES.items(), start=1)
    }
    return pl.DataFrame({"ts_open": [int(row[0]) * 10**6 for row in rows], **figures})


def built() -> pl.DataFrame:
    """Both days' bars; the second day knows the first one's close."""
    days: list[pl.DataFrame] = []
    for day in DAYS:
        closes = days[-1].filter(timeframe="1d") if days else None
        context = BarContext(day, "ts_event", "XRPETH", "flat", closes)
        days.append(KIND.build(trades(day).lazy(), ["1m", "5m", "1d"], context).collect())
    return pl.concat(days)


@pytest.mark.parametrize(("timeframe", "bars"), [("1m", 2880), ("5m", 576)])
def test_every_kline_equals_ours(timeframe: str, bars: int):
    theirs = pl.concat([klines(timeframe, day) for day in DAYS])
    ours = built().filter(timeframe=timeframe).select("ts_open", *FIGURES)
    assert len(theirs) == bars
    assert_frame_equal(ours, theirs)
