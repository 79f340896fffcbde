"""The port of checks. A check is one module of `market_data.domain.checks` that defines `CHECK`."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict

from market_data.domain.account import Account
from market_data.domain.alerts import Severity
from market_data.domain.partition import Partition
from market_data.domain.ports.source import Delivery

if TYPE_CHECKING:
    import polars as pl

Dimension = Literal["completeness", "quality", "consistency"]
"""Whether all is there; whether what is there is good; whether it agrees with itself and with others."""


class Thresholds(BaseModel):
    """What a check holds against, of one table: frozen, with a default for each, every one described.

    A check subclasses it; a feed's stanza changes single values under `checks: {<check>: {<table>: {...}}}`. What is
    wrong there is refused at load, so that a check never meets a value that its model does not allow.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    on_request: ClassVar[bool] = False
    """Whether the check only applies to a feed whose stanza names it."""

    @property
    def other_feed(self) -> str | None:
        """Return a feed that the values name: it must exist."""
        return None

    def other_symbol(self, symbol: str) -> str:
        """Return which symbol of the other feed is compared with one of ours."""
        return symbol


SomeThresholds = TypeVar("SomeThresholds", bound=Thresholds)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says of one table of one partition.

    Attributes:
        measured: the figure that was judged, in the unit that `detail["unit"]` names.
        threshold: the figure beyond which the finding does not pass; None where there is none.
        detail: what a person needs to act: counts, ranges, first offending rows. JSON types only, and nothing that
            changes when the same data is looked at again (no "now", no run id), so that reports stay byte-equal.
    """

    table: str
    check: str
    passed: bool
    severity: Severity = "error"
    measured: float | None = None
    threshold: float | None = None
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class RevisionFacts:
    """What the ledger knows of a table's current revision that a check may need.

    Attributes:
        notes: what the vendor said of the day (`condition`, `remarks`, and `columns`: those of its own file, where the
            source tells them), or the pipeline.
        columns: a fingerprint of the names and types of our columns.
        code_version: which code made the revision.
    """

    rows: int
    account: Account
    first_committed_at: dt.datetime
    notes: Mapping[str, Any]
    columns: str = ""
    code_version: str = ""


class PartitionView(Protocol):
    """One partition, as checks see it."""

    @property
    def partition(self) -> Partition:
        """Return which partition it is."""
        ...

    @property
    def tables(self) -> Sequence[str]:
        """Return the feed's tables of data, fetched and derived, without `quality_reports`."""
        ...

    @property
    def has_session(self) -> bool:
        """Return whether the feed's calendar trades at all within the partition's UTC day."""
        ...

    @property
    def sessions(self) -> Sequence[tuple[int, int]]:
        """Return when the market trades within the UTC day: half-open intervals, ns since the epoch, in order."""
        ...

    @property
    def due_at(self) -> dt.datetime:
        """Return when the partition's data is due: the day's end and the feed's grace."""
        ...

    def delivery(self, table: str) -> Delivery | None:
        """Return how the source delivers a table; None for a derived one."""
        ...

    def facts(self, table: str) -> RevisionFacts | None:
        """Return the current revision's facts; None where the partition of that table does not exist."""
        ...

    def facts_before(self, table: str) -> RevisionFacts | None:
        """Return the same for the symbol's day before; None where it does not exist."""
        ...

    def thresholds(self, check: str, table: str, kind: type[SomeThresholds]) -> SomeThresholds:
        """Return what the check holds against for a table, as the feed configures it.

        `kind` is the check's own model.
        """
        ...

    def scan(self, table: str) -> "pl.LazyFrame":
        """Return the rows of the current revision; a frame without rows where there is none."""
        ...

    def figures(self, check: str, table: str) -> Mapping[str, Any]:
        """Return the values of what the check's `asks` asked of the table."""
        ...

    def minutes(self, table: str) -> "pl.DataFrame":
        """Return ticks by instrument and minute, read once for all checks: see `domain.check_support.minutes`."""
        ...

    def other(self, feed: str, symbol: str) -> "PartitionView | None":
        """Return the same day of a symbol of another feed; None where there is no such feed or symbol."""
        ...

    def set_aside(self, table: str) -> int:
        """Return how many records of that table stand in the partition's quarantine."""
        ...


class Check(Protocol):
    """A family of rules."""

    @property
    def dimension(self) -> Dimension:
        """Return what its findings count for in a partition's scores (`domain.quality`)."""
        ...

    @property
    def tables(self) -> Sequence[str]:
        """Return the tables it judges; it applies to a feed that has one of them, and is shown at the first it has."""
        ...

    @property
    def thresholds(self) -> type[Thresholds]:
        """Return what it holds against; `Thresholds` itself where that is nothing."""
        ...

    def run(self, view: PartitionView) -> Sequence[Finding]:
        """Return findings of this family, one or more; a crash is raised, never turned into a failed finding."""
        ...


@runtime_checkable
class Asks(Protocol):
    """A check that wants figures of a whole table. Those of all checks are computed in one pass over the table."""

    def asks(self, view: PartitionView, table: str) -> "Mapping[str, pl.Expr]":
        """Return aggregates, one value each, by name.

        Streaming ones (sums, extremes, `shift`) need no memory to speak of.
        """
        ...
