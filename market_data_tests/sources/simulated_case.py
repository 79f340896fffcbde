"""What the tests of `simulated` share: a day, three symbols, an exchange, and short ways to rows."""

import datetime as dt
import gzip
from decimal import Context
from pathlib import Path
from typing import Any

import polars as pl

from market_data.domain.contract import RECORD, contract
from market_data.domain.partition import Partition
from market_data.domain.ports.source import Batch, LandedFile, Request
from market_data.sources.simulated import Simulated
from market_data.sources.simulated.options import SimulatedOptions
from market_data_tests.fetching import at

DAY = dt.date(2024, 3, 4)
SYMBOLS = ("BTC-USD", "ETH-USD", "SOL-USD")
LIQUID, MIDDLING, ILLIQUID = SYMBOLS
EXACT = Context(prec=80)
UNUSED = Path("unused")


def exchange(**options: Any) -> Simulated:
    return Simulated(SimulatedOptions(**options), {symbol: symbol for symbol in SYMBOLS}, UNUSED)


def request(table: str, symbol: str = MIDDLING, day: dt.date = DAY) -> Request:
    return Request(table, Partition("demo", day, symbol), symbol)


def landed(path: Path) -> LandedFile:
    return LandedFile(path, path.name, "here", "0" * 64, path.stat().st_size)


def batches(source: Simulated, wanted: Request, workdir: Path) -> list[Batch]:
    [fetched] = source.fetch(wanted, at(workdir))
    return list(source.decode(wanted, [landed(fetched.path)]))


def frame(source: Simulated, wanted: Request, workdir: Path) -> pl.DataFrame:
    """All records of a request, numbered as the platform does."""
    return pl.concat([batch.frame for batch in batches(source, wanted, workdir)]).with_row_index("ordinal")


def accepted(source: Simulated, wanted: Request, workdir: Path) -> tuple[pl.DataFrame, dict[str, int]]:
    """The rows that the table's contract lets through, and how many broke which rule."""
    delivery = source.delivery(wanted.table)
    schema = contract(delivery.schema, wanted.partition.date, delivery.clock)
    good, failures = schema.filter(frame(source, wanted, workdir).with_row_index(RECORD), cast=True)
    return good, failures.counts()


def text_lines(path: Path) -> list[str]:
    return gzip.decompress(path.read_bytes()).decode().splitlines()
