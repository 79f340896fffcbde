"""The simulated vendor's files: gzip of a title, a header, a record a line, and the vendor's count.

# simulated trades BTC-USD 2024-03-04
trade_id,ts_event,ts_recv,price,size,side
19786000000000,1709510400312400215,1709510400312871003,61234.5,0.012345,buy
# records: 1
"""

import gzip
import re
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from market_data.domain.errors import BadFile
from market_data.domain.ports.source import Request
from market_data.sources.simulated.defects import Damaged
from market_data.sources.simulated.rows import COLUMNS

_STATED = re.compile(rb"# records: ([0-9]{1,15})\n")
_LINES_TOGETHER = 100_000
_LONGEST_LINE = 10_000


def name(request: Request) -> str:
    """Return the file's name at the vendor."""
    return f"{request.partition.symbol}-{request.table}-{request.partition.date.isoformat()}.csv.gz"


def write(path: Path, request: Request, damaged: Damaged) -> None:
    """Writes a file whose bytes follow from the records alone: the gzip header has neither time nor name."""
    lines = [
        _title(request),
        _header(request),
        *map(",".join, damaged.rows),
        f"# records: {damaged.stated}",
        "",
    ]
    with path.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
        packed.write("\n".join(lines).encode())


def chunks(path: Path, request: Request) -> Iterator[bytes]:
    """Yield the lines of the records, a hundred thousand together.

    Raises:
        BadFile: the file is damaged, cut short, or not what the request's would be.
    """
    records = _records(path, request)
    while chunk := b"".join(islice(records, _LINES_TOGETHER)):
        yield chunk


def _records(path: Path, request: Request) -> Iterator[bytes]:
    lines = _lines(path)
    for expected in (_title(request), _header(request)):
        found = next(lines, b"").decode(errors="backslashreplace").rstrip("\n")
        if found != expected:
            raise BadFile(f"{path.name} does not fit {request}: expected the line {expected!r}, found {found!r}")
    for line in lines:
        if _STATED.fullmatch(line):
            if next(lines, None) is not None:
                raise BadFile(f"{path.name} goes on after its last line, '# records: N'")
            return
        yield line
    raise BadFile(f"{path.name} is cut short: its last line, '# records: N', is missing")


def stated(paths: Sequence[Path]) -> int | None:
    """Return how many records the last lines of the files say there are; None where one does not say.

    Raises:
        BadFile: a file is damaged or cut short.
    """
    total = 0
    for path in paths:
        last = deque(_lines(path), maxlen=1)
        match = _STATED.fullmatch(last[0]) if last else None
        if match is None:
            return None
        total += int(match[1])
    return total


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) as unpacked:
            while line := unpacked.readline(_LONGEST_LINE):
                if len(line) == _LONGEST_LINE:
                    raise BadFile(
                        f"{path.name} has a line of {_LONGEST_LINE:,} bytes or more: it is not of this vendor"
                    )
                yield line
    except EOFError as error:
        raise BadFile(f"{path.name} is cut short: its gzip stream does not end") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise BadFile(f"{path.name} is not a whole gzip file: {error}") from error


def _title(request: Request) -> str:
    return f"# simulated {request.table} {request.vendor_symbol} {request.partition.date.isoformat()}"


def _header(request: Request) -> str:
    return ",".join(COLUMNS[request.table])
