"""Zip files that hold exactly one known member, read as a stream under a bound. Nothing is ever unpacked to disk.

The text of an error goes on from the file's name, which the caller knows: "is no zip file".
"""

import struct
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from market_data.domain.errors import BadFile

MAX_RATIO = 200
"""Unpacked to packed. A day of one-second bars without a trade packs to about a fortieth; deflate ends at 1,032."""
_SMALL_BYTES = 1 << 20
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


def read_zip(path: Path, member: str, max_bytes: int, chunk_bytes: int = 4 << 20) -> Generator[bytes]:
    """The member's bytes, `chunk_bytes` at a time, checked as by `check_zip`, then by length and CRC-32.

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


@contextmanager
def _opened(path: Path) -> Generator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except _BROKEN as error:
        raise BadFile(f"is damaged, or no zip file: {error}") from error


def _the_member(archive: zipfile.ZipFile, member: str, max_bytes: int) -> zipfile.ZipInfo:
    members = archive.infolist()
    if len(members) != 1:
        raise BadFile(f"holds {len(members)} files where one belongs")
    info = members[0]
    # The name is only compared, so a path, a drive or `..` in it is refused like any other wrong name.
    if info.orig_filename != member:
        raise BadFile(f"holds {info.orig_filename!r} where {member!r} belongs")
    if info.flag_bits & _ENCRYPTED or info.compress_type not in _READABLE:
        raise BadFile("is encrypted, or packed in another way than zip's usual one")
    if info.file_size > max_bytes:
        raise BadFile(f"would unpack to {info.file_size} bytes, more than the {max_bytes} that are allowed")
    if info.file_size > max(_SMALL_BYTES, MAX_RATIO * info.compress_size):
        raise BadFile(f"would unpack to {info.file_size} bytes from {info.compress_size}: a zip bomb")
    return info
