"""A file of Tardis' that a user already has: is it what would be fetched? Nothing is kept or changed."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from market_data.domain.errors import BadFile
from market_data.domain.ports.source import Fetched
from market_data.domain.time import day_bounds, to_datetime
from market_data.sources.tardis.archive import DataSet, is_grouped, spelled
from market_data.sources.tardis.layouts import LAYOUTS
from market_data.vendor_files.bulk.unpack import packed

_NS_PER_US = 1_000
_TAIL_BYTES = 1 << 20


def verified(wanted: DataSet, paths: Sequence[Path], max_bytes: int) -> Fetched:
    """Return the user's whole file of this type, exchange, symbol and day, as far as its first and last record tell.

    Raises:
        BadFile: there is not exactly one, or it is something else.
    """
    if len(paths) != 1:
        given = ", ".join(path.name for path in paths) or "nothing"
        raise BadFile(f"expected one file, {wanted.name}, and was given {given}")
    (path,) = paths
    if not path.is_file():
        raise BadFile(f"{path} is no file")
    try:
        _must_be(wanted, *_ends(packed(path, max_bytes, "gzip").chunks()))
    except BadFile as error:
        raise BadFile(f"{path.name} {error}") from error
    return Fetched(path, wanted.name, f"file {path.name}")


def _ends(chunks: Iterable[bytes]) -> tuple[list[str], list[str]]:
    """Return the header, and the first and the last record's lines; reads all, and so the checksum."""
    head, tail = b"", b""
    for chunk in chunks:
        head = head if head.count(b"\n") > 1 or len(head) > _TAIL_BYTES else head + chunk
        tail = (tail + chunk)[-_TAIL_BYTES:]
    first = head.split(b"\n", 2)[:2]
    records = [line for line in (*first[1:], tail.rstrip(b"\r\n").rpartition(b"\n")[2]) if line.strip() and first[1:]]
    return _fields(first[0]) if head else [], [line.decode("utf-8", "replace") for line in records]


def _fields(line: bytes) -> list[str]:
    return line.decode("utf-8", "replace").strip().split(",")


def _must_be(wanted: DataSet, header: Sequence[str], lines: Sequence[str]) -> None:
    if not header:
        return  # an empty file is a day without data
    names = [column.name for column in LAYOUTS[wanted.data_type]]
    if missing := [name for name in names if name not in header]:
        raise BadFile(f"is no {wanted.data_type}: it has no column {', '.join(missing[:5])}")
    for line in lines:
        _must_be_of(wanted, dict(zip(header, line.strip().split(","), strict=False)))


def _must_be_of(wanted: DataSet, record: dict[str, str]) -> None:
    exchange, symbol, time = (record.get(name, "") for name in ("exchange", "symbol", "local_timestamp"))
    if exchange != wanted.exchange or (spelled(symbol) != wanted.symbol and not is_grouped(wanted.symbol)):
        raise BadFile(f"holds a record of {exchange} {symbol}, not of {wanted.exchange} {wanted.symbol}")
    if not time.isdecimal():
        return  # no record: that is for decoding to say
    start, end = day_bounds(wanted.day)
    if not start <= int(time) * _NS_PER_US < end:
        raise BadFile(f"holds a record of {to_datetime(int(time) * _NS_PER_US):%Y-%m-%d}, not of {wanted.day}")
