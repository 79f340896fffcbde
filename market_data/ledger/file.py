"""What is known of one file of the warehouse. Light: queries need it, and not the rest of the ledger."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class File:
    """A file of the warehouse, as it was written.

    Attributes:
        path: relative to the warehouse's root.
        xxh3: 128 bits, hexadecimal; None where an earlier version of the code wrote it.
    """

    path: str
    sha256: str
    xxh3: str | None
    size_bytes: int
