"""Tardis' CSV as rows of our tables, exactly."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import polars as pl

from market_data.domain.ports.source import Batch, Fault
from market_data.sources.tardis.archive import GROUPED, DataSet, spelled
from market_data.sources.tardis.layouts import LAYOUTS, TIMES, our_name
from market_data.vendor_files.bulk import read_blocks
from market_data.vendor_files.columns import Block
from market_data.vendor_files.csv_blocks import read_named_csv
from market_data.vendor_files.times import nanoseconds, time_faults, with_more

UNKNOWN = "unknown"
"""A side that the exchange does not tell."""


def batches(landed_file: str, path: Path, data_set: DataSet, max_bytes: int) -> Iterator[Batch]:
    """Yield the data set's file in bounded batches; none where it is empty.

    Raises:
        BadFile: it is no whole CSV of this data type. The text goes on from the file's name.
    """
    parse = partial(read_named_csv, columns=LAYOUTS[data_set.data_type])
    for block in read_blocks(path, parse, max_bytes, landed_file):
        yield _batch(landed_file, block, data_set)


def _batch(landed_file: str, block: Block, data_set: DataSet) -> Batch:
    data_type = data_set.data_type
    times = {name: ours for name, ours in TIMES.items() if name in block.frame.columns}
    timed = block.frame.with_columns(nanoseconds(name, "us", pl.Int64()).alias(ours) for name, ours in times.items())
    more = [fault for name, ours in times.items() for fault in time_faults(timed, name, ours, "us")]
    more += _strangers(block.frame, data_set)
    rest = [column.name for column in LAYOUTS[data_type] if column.name not in (*times, "exchange")]
    frame = timed.select(*times.values(), *(_ours(name, data_type) for name in rest))
    return Batch(landed_file, block.first_record, frame, block.original, with_more(block.faults, more))


def _ours(name: str, data_type: str) -> pl.Expr:
    value = pl.col(name)
    if name == "side":
        value = pl.when(value != UNKNOWN).then(value)
    return value.alias(our_name(data_type, name))


def _strangers(frame: pl.DataFrame, data_set: DataSet) -> list[Fault]:
    """Return rows of another exchange or symbol than the file's."""
    faults = _others(frame["exchange"], data_set.exchange)
    return faults if data_set.symbol in GROUPED else [*faults, *_others(frame["symbol"], data_set.symbol)]


def _others(values: pl.Series, wanted: str) -> list[Fault]:
    if not len(values) or (_is(values[0], wanted) and (values == values[0]).all()):
        return []
    wrong = [text for text in values.unique() if text is not None and not _is(text, wanted)]
    rows = values.is_in(wrong).arg_true()
    name = values.name
    return [Fault(row, f"{name}_is_the_files", f"{name} is {values[row]!r} in a file of {wanted}") for row in rows]


def _is(text: str | None, wanted: str) -> bool:
    return text is not None and spelled(text) == spelled(wanted)
