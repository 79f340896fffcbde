"""Landed DBN files as batches of rows, in bounded memory. Bytes are `dbn`'s matter, their meaning is that of `rows`."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager

from market_data.domain.errors import BadFile
from market_data.domain.ports.source import Batch, LandedFile, Request
from market_data.sources.databento import dbn
from market_data.sources.databento.columns import faults, plain, raw_frame
from market_data.sources.databento.dbn import DbnFile, Records
from market_data.sources.databento.rows import Plan, plan
from market_data.sources.databento.schemas import TABLE_OF


def batches(request: Request, file: LandedFile, known: Mapping[int, str]) -> Iterator[Batch]:
    """Yield one file's records, in the vendor's order, 16 MiB of them at a time.

    Args:
        request: whose they are.
        file: where they are.
        known: raw symbols of instrument ids that day, for those that the file does not name.

    Raises:
        BadFile: it is no historical DBN file, is damaged or cut short, or is of another table than the request.
    """
    with _opened(file) as source:
        if (table := TABLE_OF[source.schema]) != request.table:
            raise BadFile(f"has records of {source.schema}, which are {table} and not {request.table}")
        way, first = plan(source, request.partition.date, known), 0
        for records in source.arrays():
            yield _batch(file.name, first, records, way)
            first += len(records)


def _batch(landed_file: str, first_record: int, records: Records, way: Plan) -> Batch:
    raw = raw_frame(records, way.fields)
    frame = raw.select(**way.columns)
    return Batch(landed_file, first_record, frame, lambda row: plain(records[row]), faults(raw, way.limits))


@contextmanager
def _opened(file: LandedFile) -> Generator[DbnFile]:
    try:
        with dbn.opened(file.path) as source:
            yield source
    except BadFile as error:
        raise BadFile(f"{file.name} {error}") from error
