"""What the tests of Databento's files share: a day, files made of records, and short ways to rows."""

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl

from market_data.domain.contract import RECORD, contract
from market_data.domain.partition import Partition
from market_data.domain.ports.source import Batch, LandedFile, Request
from market_data.domain.time import day_start
from market_data.sources.databento import decode, schemas
from market_data_tests.vendors import dbn_files as files

DAY = dt.date(2024, 1, 15)
START = day_start(DAY)


def landed(path: Path) -> LandedFile:
    return LandedFile(path, path.name, "here", "", path.stat().st_size)


def batches(path: Path, table: str, day: dt.date = DAY) -> list[Batch]:
    return list(decode.batches(Request(table, Partition("feed", day, "S"), "S"), landed(path), {}))


def only(path: Path, table: str, day: dt.date = DAY) -> Batch:
    (batch,) = batches(path, table, day)
    return batch


def tick(**fields: Any) -> dict[str, Any]:
    """The fields of a trade, with these in their places."""
    usual = {"ts_event": START + 1, "ts_recv": START + 2, "price": 10**9, "size": 1, "side": b"A", "action": b"T"}
    return usual | fields


def made(folder: Path, schema: str, version: int = 3, count: int = 1, **fields: Any) -> Path:
    """A file of equal records."""
    content = files.records(schema, count, version, **fields).tobytes()
    return files.write(folder / f"{schema}.dbn.zst", files.head(schema, DAY, version), content)


def rejected(batch: Batch, table: str, day: dt.date = DAY, dataset: str = "GLBX.MDP3") -> dict[str, int]:
    """What the contract says against a batch: rules and how many rows break them."""
    delivery = schemas.delivery(table, dataset)
    numbers = pl.int_range(len(batch.frame), dtype=pl.Int64, eager=True)
    frame = batch.frame.with_columns(numbers.alias(RECORD), numbers.alias("ordinal"))
    return contract(delivery.schema, day, delivery.clock).filter(frame)[1].counts()
