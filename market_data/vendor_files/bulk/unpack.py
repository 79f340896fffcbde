"""The bytes within a packed file, as a stream under a bound. What they mean is not known here.

The text of an error goes on from the file's name, which the caller knows: "is no whole gzip file".
"""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from market_data.domain.errors import BadFile
from market_data.vendor_files.zip_member import MAX_RATIO, SMALL_BYTES, must_end_at_its_end, read_zip

_KINDS = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"7z\xbc\xaf": "7z",
}
_CHUNK = 16 << 20
"""Bytes that are unpacked at once: polars is at its best with blocks of some hundred thousand records."""
_READABLE = ("gzip", "zstd", "zip", "plain")
_RATIOS = {"gzip": MAX_RATIO, "zstd": 1_000}
"""Unpacked to packed, beyond which it is a bomb. zstd packs a quiet day of JSON far smaller than deflate can."""


class Packed:
    """One file and how it is packed, by its first bytes.

    Attributes:
        kind: gzip, zstd, zip or plain.
        size_bytes: the file's size as it lies there.
        position: how many of these bytes were read so far.

    Raises:
        BadFile: it is empty, or packed in a way that is not read here.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.path = path
        self.size_bytes = path.stat().st_size
        self.position = 0
        self._max_bytes = max_bytes
        with path.open("rb") as file:
            head = file.read(8)
        if not head:
            raise BadFile("is empty: it has not even a header")
        self.kind = next((kind for magic, kind in _KINDS.items() if head.startswith(magic[: len(head)])), "plain")
        if self.kind not in _READABLE:
            raise BadFile(f"is packed as {self.kind}: unpack it, or pack it as gzip, zstd or zip")

    def chunks(self, chunk_bytes: int = _CHUNK) -> Generator[bytes]:
        """Yield the bytes within, at most `chunk_bytes` at a time, to the last checksum.

        Raises:
            BadFile: it is cut short, damaged, goes on after its end, or unpacks to more than is allowed.
        """
        total = 0
        for chunk in self._unpacked(chunk_bytes):
            total += len(chunk)
            self._must_be_no_bomb(total)
            yield chunk

    def _unpacked(self, chunk_bytes: int) -> Iterator[bytes]:
        if self.kind == "zip":
            with self.path.open("rb") as file:
                must_end_at_its_end(file)
                for chunk in read_zip(file, None, self._max_bytes, chunk_bytes):
                    self.position = file.tell()
                    yield chunk
            return
        with pa.OSFile(str(self.path)) as file, self._stream(file) as stream, self._errors_told():
            while chunk := stream.read(chunk_bytes):
                self.position = file.tell()
                yield chunk

    def _stream(self, file: Any) -> Any:
        """Return a stream of pyarrow: it bounds what a read gives, takes several members, knows one cut short."""
        return file if self.kind == "plain" else pa.CompressedInputStream(file, self.kind)

    @contextmanager
    def _errors_told(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            if error.errno is not None:  # the disk's, not the stream's
                raise
            raise BadFile(
                f"is no whole {self.kind} file: cut short, damaged, or not ended at its end ({error})"
            ) from error

    def _must_be_no_bomb(self, total: int) -> None:
        if total > self._max_bytes:
            raise BadFile(f"unpacks to more than the {self._max_bytes} bytes that are allowed")
        ratio = _RATIOS.get(self.kind)
        if ratio is not None and total > max(SMALL_BYTES, ratio * self.position):
            raise BadFile(f"unpacks {self.position} bytes to more than {total}: a {self.kind} bomb")


def must_be_whole(path: Path, max_bytes: int, kind: str) -> None:
    """Nothing, for a file of that kind that unpacks to its end; reads all of it.

    Raises:
        BadFile: it is of another kind, or as `Packed.chunks` says.
    """
    for _ in packed(path, max_bytes, kind).chunks():
        pass


def packed(path: Path, max_bytes: int, kind: str) -> Packed:
    """Return a file that must be packed in that way.

    Raises:
        BadFile: it is not.
    """
    found = Packed(path, max_bytes)
    if found.kind != kind:
        raise BadFile(f"is no {kind} file")
    return found


def is_empty(path: Path) -> bool:
    """Return whether not a byte is packed in it; reads no more than its beginning.

    Raises:
        BadFile: even that cannot be unpacked.
    """
    with closing(Packed(path, _CHUNK).chunks(1)) as chunks:
        return next(chunks, None) is None
