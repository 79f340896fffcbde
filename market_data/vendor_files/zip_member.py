"""Zip files that hold exactly one known member, read as a stream under a bound. Nothing is ever unpacked to disk.

The text of an error goes on from the file's name, which the caller knows: "is no zip file".
"""

import struct
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from market_data.domain.errors import BadFile

MAX_RATIO = 200
"""Unpacked to packed. A day of one-second bars without a trade packs to about a fortieth; deflate ends at 1,032."""
SMALL_BYTES = 1 << 20
"""What unpacks to no more than this is no bomb, however well it packs."""
_LONGEST_END = 22 + 65_535
_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    ValueError,
    OverflowError,
)


def check_zip(path: Path, member: str, max_bytes: int) -> None:
    """A look at the directory alone, which unpacks nothing.

    Raises:
        BadFile: it is no zip of exactly this member, or the member is encrypted or would unpack to too much.
    """
    with _opened(path) as archive:
        _the_member(archive, member, max_bytes)


def read_zip(path: Path | BinaryIO, member: str | None, max_bytes: int, chunk_bytes: int = 4 << 20) -> Generator[bytes]:
    """Yield the member's bytes, `chunk_bytes` at a time, checked as by `check_zip`, then by length and CRC-32.

    Without `member` it may have any name that stays within its folder.

    zipfile never gives more than the directory declares, so a directory that lies ends in a wrong CRC.

    Raises:
        BadFile: as above; or the member is damaged, which only its last bytes may show.
    """
    with _opened(path) as archive:
        info = _the_member(archive, member, max_bytes)
        total = 0
        with archive.open(info) as stream:
            while chunk := stream.read(chunk_bytes):
                total += len(chunk)
                yield chunk
        if total != info.file_size:
            raise BadFile(f"unpacks to {total} bytes and declares {info.file_size}")


def must_end_at_its_end(file: BinaryIO) -> None:
    """Nothing, for a zip after whose end nothing more stands: zipfile itself reads on where something does.

    Raises:
        BadFile: something does, or it has no end.
    """
    size = file.seek(0, 2)
    file.seek(max(0, size - _LONGEST_END))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    comment = int.from_bytes(tail[at + 20 : at + 22], "little")
    if at < 0 or at + 22 + comment != len(tail):
        raise BadFile("is no whole zip file: cut short, or not ended at its end")
    file.seek(0)


@contextmanager
def _opened(path: Path | BinaryIO) -> Generator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except _BROKEN as error:
        raise BadFile(f"is damaged, or no zip file: {error}") from error


def _the_member(archive: zipfile.ZipFile, member: str | None, max_bytes: int) -> zipfile.ZipInfo:
    members = archive.infolist()
    if len(members) != 1:
        raise BadFile(f"holds {len(members)} files where one belongs")
    info = members[0]
    # The name is only compared, so a path, a drive or `..` in it is refused like any other wrong name.
    if member is None:
        _must_stay_within(info.orig_filename)
    elif info.orig_filename != member:
        raise BadFile(f"holds {info.orig_filename!r} where {member!r} belongs")
    if info.flag_bits & _ENCRYPTED or info.compress_type not in _READABLE:
        raise BadFile("is encrypted, or packed in another way than zip's usual one")
    if info.file_size > max_bytes:
        raise BadFile(f"would unpack to {info.file_size} bytes, more than the {max_bytes} that are allowed")
    if info.file_size > max(SMALL_BYTES, MAX_RATIO * info.compress_size):
        raise BadFile(f"would unpack to {info.file_size} bytes from {info.compress_size}: a zip bomb")
    return info


def _must_stay_within(name: str) -> None:
    """Nothing is ever unpacked to such a name; who made one meant harm, or made it by a broken tool."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name or "\0" in name or name.endswith("/"):
        raise BadFile(f"holds {name!r}, which is no name of a file within a folder")
