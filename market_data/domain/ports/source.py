"""The port behind which every vendor stands. A source is one module of `market_data.sources` that defines `SOURCE`.

The way through it: `fetch` brings the vendor's bytes into a folder, the platform lands them with their SHA-256,
`decode` turns landed bytes into batches of rows. `fetch` never parses more than it must to know that the bytes are
whole; `decode` never touches the network, so that a landed file can be replayed for ever.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from market_data.domain.partition import Partition

if TYPE_CHECKING:  # configuration reads this module at every start, which must not wait for polars or dataframely
    import polars as pl

    from market_data.domain.contract import Schema


@dataclass(frozen=True, slots=True)
class Request:
    """One table of one partition, as a source is asked for it.

    Attributes:
        table: the table wanted.
        partition: feed, day and our symbol.
        vendor_symbol: the vendor's own name of the symbol; also the `instrument_id` where it gives none.
    """

    table: str
    partition: Partition
    vendor_symbol: str

    def __str__(self) -> str:
        return f"{self.partition.feed}/{self.table} {self.partition.symbol} {self.partition.date.isoformat()}"


@dataclass(frozen=True, slots=True)
class FetchContext:
    """What a fetch may use.

    Attributes:
        workdir: a folder that is this request's alone and survives a killed process: what is left of an earlier try
            there is resumed if that is safe, else removed.
        spend: called with a price in USD and what it is for, before the vendor is asked for anything that is billed;
            raises OverBudget where the feed may not spend it, and nothing is bought.
    """

    workdir: Path
    spend: Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Fetched:
    """One whole, verified file that a fetch (or a user's `land`) brings.

    Attributes:
        path: where it lies now; landing moves it from there.
        name: its name in landing: the vendor's own, safe in a path.
        origin: where it came from, in words that may be shown: a URL without secrets, or a file's name.
    """

    path: Path
    name: str
    origin: str


@dataclass(frozen=True, slots=True)
class LandedFile:
    """A file of the landing. `sha256` is of the bytes as the vendor sent them."""

    path: Path
    name: str
    origin: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Fault:
    """A record that cannot be read as a row: `row` counts within the batch; `rule` is short, `reason` a sentence."""

    row: int
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Some consecutive records of one landed file, at most a few hundred thousand.

    Attributes:
        landed_file: the file's name in landing.
        first_record: the number of the first record within the file, from 0.
        frame: one row a record, in the vendor's order, with the delivery's columns except `ordinal` (which the
            platform numbers). What cannot be read is null here and named in `faults`.
        original: the record at a row of the batch, as the vendor wrote it; only called for rows set aside.
        faults: records that are no rows; they go to quarantine whatever the contract says.
    """

    landed_file: str
    first_record: int
    frame: "pl.DataFrame"
    original: Callable[[int], Mapping[str, Any]]
    faults: Sequence[Fault] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a source delivers one table.

    Attributes:
        schema: the table's contract, subclassed where the source has columns of its own.
        clock: the column that decides a row's day and order: the clock of the vendor's own candles; None for a
            table without time, such as instruments.
        identity: what makes two records the same one. Empty: a record's place in the vendor's answer, and nothing
            is ever dropped. Else the columns of the vendor's unique key: a repeat that is equal in all columns is
            dropped and counted, one that differs goes to quarantine.
        running_id: whether the identity is one column of whole numbers that grow with time; then order and
            uniqueness are proved in constant memory, and holes are counted.
    """

    schema: "Schema"
    clock: str | None = None
    identity: tuple[str, ...] = ()
    running_id: bool = False


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a fetch would take. None is what the vendor does not tell beforehand."""

    requests: int
    size_bytes: int | None = None
    records: int | None = None
    cost_usd: float | None = None


EmptyBars = Literal["flat", "absent"]
"""What a vendor publishes for a minute without trades: a bar at the previous close with volume 0, or none."""


class Source(Protocol):
    """One vendor. Constructing it opens nothing and imports no vendor SDK: `fetch` and `decode` do, when they run.

    A source that inherits from it may leave out what its vendor does not tell: `expected`, `notes`, `replaced`.
    """

    Options: ClassVar[type[Any]]
    """A frozen pydantic model of the feed's `options`; it forbids unknown keys."""
    tables: ClassVar[tuple[str, ...]]
    """The tables it can deliver."""
    empty_bars: ClassVar[EmptyBars]
    version: ClassVar[int]
    """Counts up when `decode` changes what it makes of the same bytes."""
    paid: ClassVar[bool] = False
    """Whether the vendor bills what is fetched; then a run is priced before it begins."""

    def __init__(self, options: Any, symbols: Mapping[str, str], shared: Path) -> None:
        """A source for one feed.

        Args:
            options: an instance of `Options`.
            symbols: our symbols to the vendor's.
            shared: a folder that all processes of this home share for this vendor: its limits, its breaker. Made when
                it is first used.
        """
        ...

    def delivery(self, table: str) -> Delivery:
        """Return how it delivers a table of `tables`."""
        ...

    def fetch(self, request: Request, context: FetchContext) -> Sequence[Fetched]:
        """Bring the request's bytes into the workdir, whole and verified, in the order in which they are decoded.

        Raises:
            NotYetAvailable, NotAvailable, UnclearSymbol, VendorUnavailable, VendorRefused, OverBudget,
            DamagedDownload, BadFile.
        """
        ...

    def verify(self, request: Request, paths: Sequence[Path]) -> Sequence[Fetched]:
        """Return the same verification for files that a user already has; their names in landing, in order of decoding.

        Raises:
            BadFile: a file is not what the request's would be, and why.
        """
        ...

    def decode(self, request: Request, files: Sequence[LandedFile]) -> Iterator[Batch]:
        """Return landed bytes as batches of rows, in the vendor's order, in bounded memory. No network.

        Raises:
            BadFile: the bytes cannot be read at all (single unreadable records are faults of a batch instead).
        """
        ...

    def expected(self, request: Request, files: Sequence[LandedFile]) -> int | None:
        """Return how many records the vendor says these files hold; None where it does not say."""
        return None

    def notes(self, request: Request, files: Sequence[LandedFile]) -> Mapping[str, Any]:
        """Return what the vendor said of the day when it was fetched, for the ledger and the checks; JSON types only.

        `condition` is the vendor's own word for the day's quality, `remarks` are sentences of what is not as it
        should be: the check `completeness` finds them. Empty where nothing is to be told.
        """
        return {}

    def replaced(self, request: Request, files: Sequence[LandedFile]) -> bool | None:
        """Return whether the vendor has other bytes by now than those that are landed.

        None where it cannot be asked cheaply.

        Raises:
            MarketDataError: as `fetch`.
        """
        return None

    def estimate(self, requests: Sequence[Request]) -> Estimate:
        """Return what fetching the requests would take: any days of one table of one symbol. Asking is free."""
        ...


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What configuration needs to know of a source without constructing it."""

    name: str
    options: type[Any]
    tables: tuple[str, ...]
    summary: str = field(default="")
