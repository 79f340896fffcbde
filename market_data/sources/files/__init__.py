"""Files of a vendor that no source knows, told by configuration alone, behind the port.

What is light stands here; polars and the contracts are imported when a feed runs.
"""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, get_args

from market_data.domain.errors import BadFile, NotAvailable
from market_data.domain.ports.source import (
    Batch,
    Delivery,
    EmptyBars,
    Estimate,
    FetchContext,
    Fetched,
    LandedFile,
    Request,
    Source,
)
from market_data.sources.files.options import FilesOptions, TableName

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST_NAME = 100


class Files(Source):
    """Files that you have, of any vendor: CSV or JSON, packed or not, one a symbol and day, told by a few options."""

    Options: ClassVar[type[FilesOptions]] = FilesOptions
    tables: ClassVar[tuple[str, ...]] = get_args(TableName)
    empty_bars: ClassVar[EmptyBars] = "absent"
    version: ClassVar[int] = 1
    paid: ClassVar[bool] = False

    def __init__(self, options: FilesOptions, symbols: Mapping[str, str], shared: Path) -> None:  # noqa: ARG002
        """Opens nothing. What the options say of columns is held against the table's contract when a feed runs."""
        self.options = options

    def delivery(self, table: str) -> Delivery:
        """See the port.

        Raises:
            ConfigurationError: the options do not fit the table.
        """
        from market_data.sources.files.layout import Layout

        return Layout(self.options, table).delivery

    def fetch(self, request: Request, context: FetchContext) -> Sequence[Fetched]:
        """Return a copy of the file at `path`; it stays where it is.

        Raises:
            NotAvailable: the options have no path, or there is no such file.
        """
        path = self._path(request)
        (verified,) = self.verify(request, [path])
        copy = Path(shutil.copy(path, context.workdir / verified.name))
        return [Fetched(copy, verified.name, verified.origin)]

    def verify(self, request: Request, paths: Sequence[Path]) -> Sequence[Fetched]:
        """See the port. A file is good if it can be read to its end and has a record of the day."""
        from market_data.sources.files.reading import must_be_of_its_day

        if len(paths) != 1:
            given = ", ".join(path.name for path in paths) or "nothing"
            raise BadFile(f"{request}: expected one file with all records of the day, and was given {given}")
        (path,) = paths
        if not path.is_file():
            raise BadFile(f"{path} is no file")
        try:
            must_be_of_its_day(path, request, self.options)
        except BadFile as error:
            raise BadFile(f"{path.name} {error}") from error
        return [Fetched(path, _safe(path.name), f"file {path.name}")]

    def decode(self, request: Request, files: Sequence[LandedFile]) -> Iterator[Batch]:
        """See the port. While a batch is consumed, a thread unpacks the next one's bytes."""
        from market_data.sources.files.reading import batches

        for file in files:
            try:
                yield from batches(file.path, file.name, request, self.options)
            except BadFile as error:
                raise BadFile(f"{file.name} {error}") from error

    def expected(self, request: Request, files: Sequence[LandedFile]) -> int | None:  # noqa: ARG002
        """Such files do not say."""
        return None

    def notes(self, request: Request, files: Sequence[LandedFile]) -> Mapping[str, Any]:  # noqa: ARG002
        """Nothing is known of the day but its records."""
        return {}

    def estimate(self, requests: Sequence[Request]) -> Estimate:  # noqa: ARG002
        """Nobody is asked."""
        return Estimate(requests=0, cost_usd=0.0)

    def _path(self, request: Request) -> Path:
        partition = request.partition
        if self.options.path is None:
            raise NotAvailable(
                f"{request}: the feed's options have no `path`, so its files are brought by hand: market-data land "
                f"{partition.feed} {request.table} {partition.symbol} {partition.date.isoformat()} FILE"
            )
        day = partition.date
        places = {"year": f"{day:%Y}", "month": f"{day:%m}", "day": f"{day:%d}", "date": day.isoformat()}
        path = Path(self.options.path.format(symbol=request.vendor_symbol, **places))
        if not path.is_file():
            raise NotAvailable(f"{request}: there is no file {path}; put it there and run the partition again")
        return path


def _safe(name: str) -> str:
    """Return a file's name, safe in a path on every system."""
    return _UNSAFE.sub("-", name)[-_LONGEST_NAME:].lstrip(".-") or "file"


SOURCE: type[Source] = Files
