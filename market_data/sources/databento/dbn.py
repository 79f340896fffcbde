"""A landed DBN file as its metadata and arrays of its records, in bounded memory. What they mean stands in `rows`.

The vendor's `DBNStore` is not used: it leaves its files open, reads a cut-off zstd stream as a short day in silence,
and costs 0.7 s to import. `databento_dbn`, which lies under it, decodes the metadata and knows the layouts.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from market_data.domain.errors import BadFile

if TYPE_CHECKING:
    from databento_dbn import Metadata

Records = npt.NDArray[np.void]
"""Consecutive records, one element each, with the vendor's names of the fields."""

_BYTES_AT_ONCE = 16 * 2**20
_ROWS_AT_ONCE = 2**18
"""As many as the warehouse writes at once, so that whole batches need not be put together anew; else half of it, ..."""
_HEAD_BYTES, _LONGEST_METADATA = 8, 2**30
_MAGIC, _ZSTD_MAGIC = b"DBN", b"\x28\xb5\x2f\xfd"
_VERSIONS = (1, 2, 3)
_RECORDS = {
    "trades": "TradeMsg",
    "tbbo": "MBP1Msg",
    "mbp-1": "MBP1Msg",
    "bbo-1s": "BBOMsg",
    "bbo-1m": "BBOMsg",
    "ohlcv-1s": "OHLCVMsg",
    "ohlcv-1m": "OHLCVMsg",
    "ohlcv-1h": "OHLCVMsg",
    "ohlcv-1d": "OHLCVMsg",
    "statistics": "StatMsg",
    "definition": "InstrumentDefMsg",
}


@dataclass(frozen=True, slots=True)
class DbnFile:
    """One open file.

    Attributes:
        metadata: as the file begins with it; the version is the file's own.
        schema: the vendor's name of what the records are, such as `mbp-1`.
        layout: of one record.
    """

    metadata: "Metadata"
    schema: str
    layout: np.dtype[np.void]
    _stream: Any

    def arrays(self) -> Iterator[Records]:
        """Yield all records once, in the vendor's order, at most 16 MiB at a time.

        Raises:
            BadFile: the file is damaged or cut short.
        """
        width, first = self.layout.itemsize, 0
        at_once = _ROWS_AT_ONCE
        while at_once * width > _BYTES_AT_ONCE:
            at_once //= 2
        while len(content := self._stream.read_buffer(at_once * width)):
            if len(content) % width:
                raise BadFile(f"is cut short: it ends within record {first + len(content) // width}")
            records = np.frombuffer(content, self.layout)
            self._check_lengths(records, first)
            yield records
            first += len(records)

    def _check_lengths(self, records: Records, first: int) -> None:
        """Each record says its own length, in words of four bytes: another one is another layout."""
        strange = np.flatnonzero(records["length"] != self.layout.itemsize // 4)
        if len(strange):
            found = 4 * int(records["length"][strange[0]])
            raise BadFile(
                f"has a record of {found} bytes (record {first + int(strange[0])}), where one of {self.schema} in DBN "
                f"version {self.metadata.version} has {self.layout.itemsize}"
            )


@contextmanager
def opened(path: Path) -> Generator[DbnFile]:
    """Give a file of DBN version 1, 2 or 3, compressed with zstd or plain.

    Raises:
        BadFile: it is none that can be read, or (while it is read) it is damaged or cut short.
    """
    with path.open("rb") as file:
        magic = file.read(len(_ZSTD_MAGIC))
    if not magic:
        raise BadFile("is empty")
    with pa.input_stream(str(path), compression="zstd" if magic == _ZSTD_MAGIC else None) as stream:
        try:
            metadata = _metadata(stream)
            schema = _schema(metadata)
            yield DbnFile(metadata, schema, _layout(schema, metadata.version), stream)
        except OSError as error:
            raise _ours(error) from error


def _metadata(stream: Any) -> "Metadata":
    from databento_dbn import DBNError, Metadata, VersionUpgradePolicy

    as_is: Any = VersionUpgradePolicy.AS_IS
    head = stream.read(_HEAD_BYTES)
    if head[:3] != _MAGIC:
        raise BadFile(f"is no DBN file: it begins with {head[:3]!r}")
    if head[3:4] and head[3] not in _VERSIONS:
        raise BadFile(f"is of DBN version {head[3]}; versions 1 to 3 can be read")
    length = int.from_bytes(head[4:], "little")
    body = stream.read(min(length, _LONGEST_METADATA))
    if len(head) < _HEAD_BYTES or len(body) < length:
        raise BadFile("is cut short: it ends within its metadata")
    try:
        return Metadata.decode(head + body, upgrade_policy=as_is)
    except (DBNError, ValueError) as error:
        raise BadFile(f"has metadata that cannot be read: {error}") from error


def _schema(metadata: "Metadata") -> str:
    if metadata.schema is None:
        raise BadFile("has records of several schemas, as a live capture does; expected a historical file of one")
    schema = str(metadata.schema)
    if schema not in _RECORDS:
        raise BadFile(f"has records of {schema}, for which there is no table; expected one of {', '.join(_RECORDS)}")
    if metadata.ts_out:
        raise BadFile("has ts_out after each record, as live data does; expected a historical file")
    return schema


def _layout(schema: str, version: int) -> np.dtype[np.void]:
    from databento_dbn import v1, v2, v3

    # As the vendor's own client takes them: there is no public name for the fields' places.
    record: Any = getattr({1: v1, 2: v2, 3: v3}[version], _RECORDS[schema])
    return np.dtype(record._dtypes)


def _ours(error: OSError) -> OSError | BadFile:
    """Return what the decompressor says, which has no number, in our words; what the disk says, as it is."""
    if error.errno is not None:
        return error
    if "Truncated" in str(error):
        return BadFile("is cut short: its zstd stream does not end")
    return BadFile(f"is damaged: {error}")
