"""A vendor's file as batches of rows, and whether it is what the feed says."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import polars as pl

from market_data.domain.errors import BadFile
from market_data.domain.ports.source import Batch, Request
from market_data.domain.time import day_bounds, to_datetime
from market_data.sources.files.layout import Layout
from market_data.sources.files.options import FilesOptions
from market_data.vendor_files.bulk import Parse, read_blocks
from market_data.vendor_files.bulk.json_records import read_json_array, read_json_lines
from market_data.vendor_files.csv_blocks import read_named_csv


def batches(path: Path, name: str, request: Request, options: FilesOptions) -> Iterator[Batch]:
    """Yield the file's records, a batch a block.

    Raises:
        ConfigurationError: the options do not fit the table.
        BadFile: the file is not whole, or not of the format. The text goes on from the file's name.
    """
    layout = Layout(options, request.table)
    for block in read_blocks(path, _parse(options, layout), options.max_uncompressed_bytes, name):
        frame, faults = layout.rows(block, request.vendor_symbol)
        yield Batch(name, block.first_record, frame, block.original, faults)


def must_be_of_its_day(path: Path, request: Request, options: FilesOptions) -> None:
    """Nothing, for a file that can be read and has records of the request's day; reads all of it.

    Records that cannot be read or are of another day are for the contract to set aside; a file of nothing else is
    the wrong file, or the options are wrong.

    Raises:
        BadFile: it is not so, with the first record's trouble. The text goes on from the file's name.
    """
    clock, trouble, good = Layout(options, request.table).clock, "", 0
    for batch in batches(path, path.name, request, options):
        good += _good_records(batch, clock, request)
        trouble = trouble or _trouble(batch, clock)
    if not good and trouble:
        raise BadFile(f"has no good record of {request.partition.date}: {trouble}")


def _good_records(batch: Batch, clock: str | None, request: Request) -> int:
    start, end = day_bounds(request.partition.date)
    rows = batch.frame.with_row_index("row").filter(~pl.col("row").is_in([fault.row for fault in batch.faults]))
    return rows.height if clock is None else rows.filter(pl.col(clock).is_between(start, end, closed="left")).height


def _trouble(batch: Batch, clock: str | None) -> str:
    """Return what is wrong with the first record of a batch that has no good one."""
    fault = next((fault for fault in batch.faults if fault.row == 0), None)
    if fault is not None:
        return f"record {batch.first_record} has the fault: {fault.reason}"
    first = batch.frame[clock][0] if clock else None
    return "" if first is None else f"its first is of {to_datetime(first):%Y-%m-%d %H:%M:%S} UTC by {clock}"


def _parse(options: FilesOptions, layout: Layout) -> Parse:
    columns = layout.columns
    match options.format:
        case "csv":
            return partial(read_named_csv, columns=columns, names=options.names)
        case "jsonl":
            return partial(read_json_lines, columns=columns)
        case "json_array":
            return partial(read_json_array, columns=columns)
