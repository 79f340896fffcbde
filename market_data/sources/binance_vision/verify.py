"""Files that a user already has: are they what the archive would send? Nothing is kept or changed."""

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from market_data.domain.errors import BadFile
from market_data.domain.ports.source import Fetched
from market_data.domain.time import day_bounds, to_datetime
from market_data.sources.binance_vision.archive import ArchiveFile
from market_data.vendor_files.zip_member import read_zip

_TRADE_TIME, _KLINE_TIME = 5, 0
_CHECKSUM = re.compile(r"([0-9a-fA-F]{64})[ \t]+\*?(\S+)\s*")


def checksum(text: str, name: str) -> str | None:
    """Return the SHA-256 that the text of a `.CHECKSUM` file gives for the file of that name.

    None where it gives none.
    """
    match = _CHECKSUM.fullmatch(text)
    return match[1].lower() if match and match[2] == name else None


def verified(wanted: Sequence[ArchiveFile], paths: Sequence[Path], day: dt.date, max_bytes: int) -> list[Fetched]:
    """Return the user's files in the order of `wanted`.

    Raises:
        BadFile: a file is missing, there are others, or one is not what its name says.
    """
    by_name = {path.name: path for path in paths}
    names = [file.name for file in wanted]
    if sorted(by_name) != sorted(names) or len(by_name) != len(paths):
        given = ", ".join(path.name for path in paths) or "nothing"
        raise BadFile(f"expected {', '.join(names)}, and was given {given}")
    for file in wanted:
        _check(file, by_name[file.name], day, max_bytes)
    return [Fetched(by_name[name], name, f"file {name}") for name in names]


def _check(file: ArchiveFile, path: Path, day: dt.date, max_bytes: int) -> None:
    if not path.is_file():
        raise BadFile(f"{path} is no file")
    _check_sha256(path)
    start, end = day_bounds(day)
    try:
        times = _times(read_zip(path, file.member, max_bytes), _TRADE_TIME if file.interval is None else _KLINE_TIME)
    except BadFile as error:
        raise BadFile(f"{path.name} {error}") from error
    for time in times:
        if not start <= time < end:
            raise BadFile(f"{path.name} holds a record of {to_datetime(time):%Y-%m-%d}, not of {day}")


def _check_sha256(path: Path) -> None:
    beside = path.with_name(path.name + ".CHECKSUM")
    if not beside.exists():
        return
    with path.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if checksum(beside.read_text("utf-8", "replace"), path.name) != found:
        raise BadFile(f"{path.name} has the SHA-256 {found}, and {beside.name} says otherwise")


def _times(chunks: Iterable[bytes], column: int) -> list[int]:
    """Return the times of the first two lines (the first may be a header) and of the last, ns.

    Reads all, and so the CRC.
    """
    head, tail = b"", b""
    for chunk in chunks:
        head = head or chunk
        tail = (tail + chunk)[-4096:]
    lines = [*head.split(b"\n", 2)[:2], tail.rstrip(b"\r\n").rpartition(b"\n")[2]]
    return [time for line in lines if (time := _time(line, column)) is not None]


def _time(line: bytes, column: int) -> int | None:
    """None where the line is no record: that is for decoding to say."""
    fields = line.strip().split(b",")
    if len(fields) <= column or not re.fullmatch(rb"\d{13}|\d{16}", fields[column]):
        return None
    return int(fields[column].ljust(19, b"0"))
