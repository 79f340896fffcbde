"""A hash of rows: the same for the same names, types and values in the same order, however a file has them.

Chunks, dictionaries, padding, encodings and a file's metadata do not count: the same rows written by pyarrow 26.0.1,
25.0.1 and 26.0.1 gave three files with three SHA-256. A null is no value and no zero. Every NaN is one value, and -0.0
is 0.0, as SQL compares them. It is xxh3 with 128 bits: it guards against change, not against malice, and takes 3 % of a
fast intake where SHA-256 takes 15 %.
"""

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute
from xxhash import xxh3_128

METHOD = "rows1"
"""Of the hash, with its version; it stands before the digits."""

pc: Any = pyarrow.compute  # its functions are made when it is imported: no checker sees them
Array = Any
"""A `pyarrow.Array`; pyarrow ships no types."""
_FIXED_BYTES = {"int64": 8, "float64": 8, "bool": 1, "decimal": 16}


class ContentHash:
    """Takes a table's rows, batch by batch; how they are cut into batches does not matter."""

    def __init__(self, schema: Any) -> None:
        self._columns = {field.name: _Column(field.type) for field in schema}
        self._rows = 0

    def update(self, batch: Any) -> None:
        """Take the next rows, a `pyarrow.Table` with the schema's columns."""
        self._rows += batch.num_rows
        for name, column in self._columns.items():
            for chunk in batch.column(name).chunks:
                column.update(chunk)

    def digest(self) -> str:
        """Return the method and 32 hexadecimal digits."""
        whole = xxh3_128(f"{METHOD} {self._rows}".encode())
        for name, column in self._columns.items():
            whole.update(f"\0{name}\0{column.kind}\0".encode())
            whole.update(column.digest())
        return f"{METHOD}:{whole.hexdigest()}"


class _Column:
    """The hash of one column: which rows have a value, and the values, texts with their lengths apart."""

    def __init__(self, kind: Any) -> None:
        self.kind, self._width = _named(kind)
        self._there, self._values, self._lengths = xxh3_128(), xxh3_128(), xxh3_128()

    def update(self, array: Array) -> None:
        if array.null_count:
            self._there.update(_bytes(pc.cast(array.is_valid(), pa.uint8()), 1))
        else:
            self._there.update(b"\1" * len(array))
        if self.kind == "string":
            filled = array.fill_null("")
            self._lengths.update(_bytes(pc.binary_length(filled), 4))
            self._values.update(_text(filled))
        else:
            self._values.update(_bytes(_plain(array, self.kind), self._width))

    def digest(self) -> bytes:
        return self._there.digest() + self._values.digest() + self._lengths.digest()


def _named(kind: Any) -> tuple[str, int]:
    """Return a type's name, which is not pyarrow's own words for it, and the bytes of a value; 0 for texts."""
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})", _FIXED_BYTES["decimal"]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "string", 0
    name = {pa.int64(): "int64", pa.float64(): "float64", pa.bool_(): "bool"}[kind]
    return name, _FIXED_BYTES[name]


def _plain(array: Array, kind: str) -> Array:
    """Values with zero for null, and one spelling of each."""
    if kind == "bool":
        return pc.cast(array.fill_null(False), pa.uint8())
    if kind == "float64":
        filled = array.fill_null(0.0)
        filled = pc.if_else(pc.is_nan(filled), pa.scalar(float("nan")), filled)
        return pc.if_else(pc.equal(filled, 0.0), pa.scalar(0.0), filled)
    zero = pa.scalar(Decimal(0) if kind.startswith("decimal") else 0, array.type)
    return array.fill_null(zero) if array.null_count else array


def _bytes(array: Array, width: int) -> memoryview:
    buffer = array.buffers()[1]
    if buffer is None:
        return memoryview(b"")
    return memoryview(buffer)[array.offset * width : (array.offset + len(array)) * width]


def _text(array: Array) -> memoryview:
    """Return the bytes of texts without nulls, one after the other."""
    if not len(array):
        return memoryview(b"")
    wide = 8 if pa.types.is_large_string(array.type) else 4
    offsets = memoryview(array.buffers()[1]).cast("q" if wide == 8 else "i")  # noqa: PLR2004  bytes
    data = array.buffers()[2]
    if data is None:
        return memoryview(b"")
    return memoryview(data)[offsets[array.offset] : offsets[array.offset + len(array)]]
