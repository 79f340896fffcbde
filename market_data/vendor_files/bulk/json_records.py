"""Records as JSON, one a line or the elements of one array, in bounded blocks of typed rows. No files here.

Numbers are taken from their text, never through a float.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import ijson
import polars as pl

from market_data.domain.errors import BadFile
from market_data.domain.ports.source import Fault
from market_data.vendor_files.columns import Block, Column, typed
from market_data.vendor_files.csv_blocks import MAX_LINE_BYTES, bounded, cut_at_lines

_BLOCK_BYTES = 4 << 20
_BLOCK_RECORDS = 100_000
_ENOUGH = 64 << 10
"""Bytes that ijson is given at once."""


def read_json_lines(chunks: Iterable[bytes], columns: Sequence[Column]) -> Iterator[Block]:
    """Yield the records: every line is one: an object whose keys are the columns' names.

    Other keys are kept for the original.

    Raises:
        BadFile: a line is longer than `MAX_LINE_BYTES`.
    """
    first_record = 0
    for text in cut_at_lines(chunks):
        for piece in bounded(text):
            records = [_loaded(line) for line in piece.removesuffix(b"\n").split(b"\n")]
            yield _block(first_record, records, columns)
            first_record += len(records)


def read_json_array(chunks: Iterable[bytes], columns: Sequence[Column]) -> Iterator[Block]:
    """Yield the records: every element of the one array is one, as above. Only a block of them is ever in memory.

    Raises:
        BadFile: it is no array, breaks off, goes on after its end, or has an element beyond `MAX_LINE_BYTES`.
    """
    reader = ByteReader(chunks)
    first_record = 0
    for records in elements(reader):
        yield _block(first_record, records, columns)
        first_record += len(records)


class ByteReader:
    """The bytes as ijson reads them, which counts how many went into the element that is being read.

    Args:
        chunks: the bytes in pieces.
        most_bytes: of one element; more are refused, so that no element fills the memory.
    """

    def __init__(self, chunks: Iterable[bytes], most_bytes: int = MAX_LINE_BYTES) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")
        self._most_bytes = most_bytes
        self.of_element = 0
        self.of_block = 0

    def head(self) -> bytes:
        """Return the first byte that is no white space; empty where there is none. Nothing is taken."""
        while not (text := bytes(self._rest[:_ENOUGH]).lstrip()):
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._rest = memoryview(chunk.removeprefix(b"\xef\xbb\xbf"))
        return text[:1]

    def read(self, size: int) -> bytes:
        """At most so many bytes, empty at the end."""
        if not self._rest:
            self._rest = memoryview(next(self._chunks, b""))
        piece = bytes(self._rest[:size])
        self._rest = self._rest[size:]
        self.of_element += len(piece)
        self.of_block += len(piece)
        if self.of_element > self._most_bytes + 2 * _ENOUGH:
            raise BadFile(f"has an element of more than {self._most_bytes} bytes: it is no array of records")
        return piece


def elements(reader: ByteReader) -> Iterator[list[Any]]:
    """Yield the elements of the one array, a block at a time.

    Raises:
        BadFile: it is no array, or as `items`.
    """
    if reader.head() != b"[":
        raise BadFile("is no JSON array: it does not begin with '['")
    records: list[Any] = []
    for element in items(reader, "item"):
        reader.of_element = 0
        records.append(element)
        if reader.of_block >= _BLOCK_BYTES or len(records) >= _BLOCK_RECORDS:
            yield records
            records, reader.of_block = [], 0
    if records:
        yield records


def items(reader: ByteReader, where: str) -> Iterator[Any]:
    """Yield what stands at ijson's prefix `where`, one after the other; numbers are int and Decimal.

    Raises:
        BadFile: it breaks off, is no JSON, or goes on after its end.
    """
    try:
        yield from ijson.items(reader, where, buf_size=_ENOUGH)
    except (ijson.JSONError, ValueError, RecursionError) as error:
        raise BadFile(f"is no whole JSON: cut short, damaged, or not ended at its end ({_told(error)})") from error


def _told(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _loaded(line: bytes) -> Any:
    """Return the record of a line; what is none comes back as the line's bytes."""
    try:
        return json.loads(line, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        return line


def _block(first_record: int, records: Sequence[Any], columns: Sequence[Column]) -> Block:
    faults: dict[int, Fault] = {}
    objects: list[Mapping[str, Any]] = []
    for row, record in enumerate(records):
        objects.append(record if isinstance(record, Mapping) else {})
        if not isinstance(record, Mapping):
            faults[row] = Fault(
                row, "record_is_an_object", "no JSON object" if _shown(record).strip() else "an empty line"
            )
    texts = {column.name: [_as_text(each.get(column.name)) for each in objects] for column in columns}
    raw = pl.DataFrame(texts, schema={column.name: pl.String() for column in columns})
    frame = typed(raw, columns, faults)

    def original(row: int) -> Mapping[str, Any]:
        record = records[row]
        return record if isinstance(record, Mapping) else {"line": _shown(record)}

    return Block(first_record, frame, [faults[row] for row in sorted(faults)], original)


def _shown(record: Any) -> str:
    return record.decode("utf-8", "backslashreplace") if isinstance(record, bytes) else json.dumps(record, default=str)


def _as_text(value: Any) -> str | None:
    """Return a value as CSV would have it; None where there is none."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)
