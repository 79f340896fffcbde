"""Pages on disk: one zstd frame a page, appended durably, so that a killed fetch goes on after the last whole one.

A page is a line of JSON. The same pages give the same bytes: no time stands in them. Nothing of exchanges.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import zstandard

from market_data.domain.errors import BadFile

MAX_PAGE_BYTES = 256 << 20
_CHUNK_BYTES = 4 << 10
"""Little, because a frame's bytes may unfold to 30,000 times as many before their number can be looked at."""


class Torn(BadFile):
    """The file ends within a frame, or is none."""


class Book:
    """Pages in order of their coming, in one file that may not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)

    def whole_pages(self) -> Iterator[tuple[int, bytes]]:
        """Yield those that came whole, each with the offset at which it begins; what is torn after them is cut off."""
        if not self.path.exists():
            return
        end = 0
        try:
            for start, end, page in frames(self.path):  # noqa: B007  the last whole one's end
                yield start, page
        except Torn:
            self.cut(end)

    def cut(self, size: int) -> None:
        """Nothing is left beyond so many bytes."""
        with self.path.open("r+b") as file:
            file.truncate(size)
            os.fsync(file.fileno())

    def append(self, page: bytes) -> None:
        """One more page; on disk when this returns."""
        with self.path.open("ab") as file:
            file.write(self._compressor.compress(page))
            file.flush()
            os.fsync(file.fileno())

    def copy(self, target: Path, *, turned: bool) -> None:
        """The same pages as they are in another file, the last one first if `turned`.

        The book stays until the other file counts: what is landed may not be moved out from under a later try.
        """
        if not turned:
            shutil.copyfile(self.path, target)
            return
        spans = [(start, end) for start, end, _ in frames(self.path)]
        with self.path.open("rb") as source, target.open("wb") as file:
            for start, end in reversed(spans):
                source.seek(start)
                file.write(source.read(end - start))


def frames(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Yield each frame's first offset, its end and its content.

    Raises:
        Torn: the file ends within a frame, or something in it is damaged or too large.
    """
    start = end = 0
    with path.open("rb") as file:
        rest = b""
        while rest or (rest := file.read(_CHUNK_BYTES)):
            unpacking = zstandard.ZstdDecompressor().decompressobj()
            parts: list[bytes] = []
            while not unpacking.eof:
                end += len(rest)
                parts.append(_unpacked(unpacking, rest, sum(map(len, parts))))
                rest = b"" if unpacking.eof else file.read(_CHUNK_BYTES)
                if not rest and not unpacking.eof:
                    raise Torn("ends within a page: it is cut short")
            rest = unpacking.unused_data
            end -= len(rest)
            yield start, end, b"".join(parts)
            start = end


def _unpacked(unpacking: "zstandard.ZstdDecompressionObj", chunk: bytes, before: int) -> bytes:
    try:
        part = unpacking.decompress(chunk)
    except zstandard.ZstdError as error:
        raise Torn(f"is damaged, or no zstd: {error}") from error
    if before + len(part) > MAX_PAGE_BYTES:
        raise Torn(f"has a page that unpacks to more than {MAX_PAGE_BYTES} bytes")
    return part
