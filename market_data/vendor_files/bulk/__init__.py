"""Files larger than memory, as vendors and people bring them: CSV, lines of JSON, a JSON array; packed or not.

`read_blocks` puts together what stands in the modules beside: unpacking, cutting into records, telling how far it is.
No vendor is known here, and nothing is written.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from market_data.vendor_files.bulk.progress import Progress
from market_data.vendor_files.bulk.unpack import Packed
from market_data.vendor_files.columns import Block
from market_data.vendor_files.prefetch import prefetch

Parse = Callable[[Iterator[bytes]], Iterator[Block]]
"""Bytes in pieces to blocks of rows: `read_named_csv`, `read_json_lines` or `read_json_array`, with their columns."""


def read_blocks(path: Path, parse: Parse, max_bytes: int, name: str | None = None) -> Iterator[Block]:
    """Yield the file's records in bounded blocks, in order.

    While one is consumed, a thread unpacks the next one's bytes.

    How it is packed is seen from its first bytes: gzip (any number of members), zstd, a zip of one file, or not at
    all. Every record is a row of a block, a fault where it cannot be read; how far reading is goes to the log.

    Args:
        path: the file.
        parse: how its bytes are records.
        max_bytes: a file that unpacks to more is refused.
        name: what the log calls it.

    Raises:
        BadFile: it is damaged, cut short, a bomb, or not what `parse` reads. The text goes on from the file's name.
    """
    packed = Packed(path, max_bytes)
    progress = Progress(name or path.name, packed.size_bytes)
    with closing(prefetch(packed.chunks())) as chunks:
        for block in parse(chunks):
            yield block
            progress.add(packed.position, block.frame.height)
    progress.end(packed.position)
