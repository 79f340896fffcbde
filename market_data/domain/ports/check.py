"""The port of checks. A check is one module of `market_data.domain.checks` that defines `CHECK`."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from market_data.domain.account import Account
from market_data.domain.partition import Partition
from market_data.domain.ports.source import Delivery

if TYPE_CHECKING:
    import polars as pl

Severity = Literal["info", "warning", "error", "critical"]
Dimension = Literal["completeness", "quality", "consistency"]
"""Whether all is there; whether what is there is good; whether it agrees with itself and with others."""


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
    """What the ledger knows of a table's current revision that a check may need."""

    rows: int
    account: Account
    first_committed_at: dt.datetime
    notes: Mapping[str, Any]


class PartitionView(Protocol):
    """One partition, as checks see it."""

    @property
    def partition(self) -> Partition:
        """Which partition it is."""
        ...

    @property
    def tables(self) -> Sequence[str]:
        """The feed's tables of data, fetched and derived, without `quality_reports`."""
        ...

    @property
    def has_session(self) -> bool:
        """Whether the feed's calendar trades at all within the partition's UTC day."""
        ...

    @property
    def due_at(self) -> dt.datetime:
        """When the partition's data is due: the day's end and the feed's grace."""
        ...

    def delivery(self, table: str) -> Delivery | None:
        """How the source delivers a table; None for a derived one."""
        ...

    def facts(self, table: str) -> RevisionFacts | None:
        """The current revision's facts; None where the partition of that table does not exist."""
        ...

    def scan(self, table: str) -> "pl.LazyFrame":
        """The rows of the current revision; a frame without rows where there is none."""
        ...

    def set_aside(self, table: str) -> int:
        """How many records of that table stand in the partition's quarantine."""
        ...


class Check(Protocol):
    """A family of rules."""

    @property
    def dimension(self) -> Dimension:
        """What its findings count for in a partition's scores (`domain.quality`)."""
        ...

    @property
    def tables(self) -> Sequence[str]:
        """The tables it judges; it applies to a feed that has one of them, and is shown at the first it has."""
        ...

    def run(self, view: PartitionView) -> Sequence[Finding]:
        """Findings of this family, one or more; a crash is raised, never turned into a failed finding."""
        ...
