"""Alerts: one for each cause, however often it is seen. What becomes of one, and when it is told; no words, no I/O.

A cause that is seen opens an alert, and that is told. Seen again, it is counted; it is told again when it got graver,
or after the configured hours. Acknowledged, it is counted in silence unless it gets graver. When the cause ends, that
is told, and the alert is resolved.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal, get_args

from market_data.domain.partition import Partition
from market_data.domain.time import NS_PER_MINUTE

Severity = Literal["info", "warning", "error", "critical"]
"""How grave a finding or an alert is."""
State = Literal["open", "acknowledged", "resolved"]
Event = Literal["raised", "repeated", "worse", "again", "resolved"]
"""Why a message is sent: a new alert, one that goes on, one that got graver, one that came back, one that ended."""

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
MOST_PARTITIONS = 1_000
"""So many partitions of an alert are kept by name."""
_ORDER = attrgetter("feed", "date", "symbol")
"""As partitions order themselves, in a third of the time."""
_FIRST_REST_NS = 15 * NS_PER_MINUTE


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason to alert somebody.

    Attributes:
        kind: what sort of trouble: `freshness`, `check`, `run`, `stall`, ...
        title: what is wrong, in a few words that stay the same while it lasts.
        text: what a person needs to act, in a sentence or a few.
        feed: whose trouble it is; None is the platform's own.
        name: tells causes of one kind, feed, table and symbol apart, such as a check's name.
        partitions: which of them it concerns.
    """

    kind: str
    severity: Severity
    title: str
    text: str = ""
    feed: str | None = None
    table: str | None = None
    symbol: str | None = None
    name: str | None = None
    partitions: tuple[Partition, ...] = ()

    @property
    def key(self) -> str:
        """Return what makes two sightings the same cause."""
        return "/".join((self.kind, *(part or "-" for part in (self.feed, self.table, self.symbol, self.name))))


@dataclass(frozen=True, slots=True)
class Alert:
    """A cause, and what became of it. Instants are ns since the epoch, UTC.

    Attributes:
        id: its number in the history; 0 before it has one.
        cause: as it was last seen, with the partitions of every sighting.
        occurrences: how often it was seen.
        reopened: how often it was told that it came back after it had ended.
        told: what was last told of it (None: nothing yet), when, and how grave it was then.
    """

    cause: Cause
    first_ns: int
    last_ns: int
    state: State = "open"
    occurrences: int = 1
    reopened: int = 0
    told: Event | None = None
    told_ns: int = 0
    told_severity: Severity = "info"
    acknowledged_ns: int | None = None
    resolved_ns: int | None = None
    id: int = 0


def rank(severity: Severity) -> int:
    """Return how grave it is: 0 for info, 3 for critical."""
    return SEVERITIES.index(severity)


def grouped(causes: Iterable[Cause]) -> list[tuple[Cause, int]]:
    """Return each cause once, as grave as its gravest sighting, with all partitions; and how often it was seen."""
    found: dict[str, tuple[Cause, int]] = {}
    for cause in causes:
        before, count = found.get(cause.key, (cause, 0))
        gravest = max(before, cause, key=lambda each: rank(each.severity))
        merged = dataclasses.replace(gravest, partitions=_together(before, cause))
        found[cause.key] = merged, count + 1
    return list(found.values())


def seen(before: Alert | None, cause: Cause, now_ns: int, repeat_after_ns: int, occurrences: int = 1) -> Alert:
    """Return the alert after its cause was seen.

    One that ended less than `repeat_after_ns` ago is opened again; after that, and at first, there is a new one.
    """
    if before is None or (before.resolved_ns is not None and now_ns - before.resolved_ns >= repeat_after_ns):
        return Alert(cause, now_ns, now_ns, occurrences=occurrences)
    merged = dataclasses.replace(cause, partitions=_together(before.cause, cause))
    counted = dataclasses.replace(before, cause=merged, last_ns=now_ns, occurrences=before.occurrences + occurrences)
    if before.state == "resolved":
        return dataclasses.replace(counted, state="open", resolved_ns=None, acknowledged_ns=None)
    return counted


def ended(alert: Alert, now_ns: int) -> Alert:
    """Return the alert after its cause has gone."""
    return alert if alert.state == "resolved" else dataclasses.replace(alert, state="resolved", resolved_ns=now_ns)


def acknowledged(alert: Alert, now_ns: int) -> Alert:
    """Return the alert after somebody took it on; one that ended stays as it is."""
    return dataclasses.replace(alert, state="acknowledged", acknowledged_ns=now_ns) if alert.state == "open" else alert


def due(alert: Alert, now_ns: int, repeat_after_ns: int) -> Event | None:
    """Return what is to be told of an alert now.

    Whoever was told that it ended, or never that it began, is not told once more that it ended. One that comes back
    rests longer each time (15 minutes, 30, ... up to `repeat_after_ns`), so that a cause that comes and goes is no
    flood.
    """
    if alert.state == "resolved":
        return None if alert.told in {None, "resolved"} else "resolved"
    if alert.told is None:
        return "raised"
    if alert.told == "resolved":
        rest_ns = min(repeat_after_ns, _FIRST_REST_NS * 2 ** min(alert.reopened, 20))
        # A clock that was set back tells as little of the time since as one that was set forward: it is told.
        return "again" if abs(now_ns - alert.told_ns) >= rest_ns or _is_worse(alert) else None
    if _is_worse(alert):
        return "worse"
    if alert.state == "acknowledged" or alert.last_ns <= alert.told_ns or now_ns - alert.told_ns < repeat_after_ns:
        return None
    return "repeated"


def told(alert: Alert, event: Event, now_ns: int) -> Alert:
    """Return the alert after `event` was put on its way; who acknowledged a lesser one has not acknowledged this."""
    state: State = "open" if event == "worse" else alert.state
    severity = alert.cause.severity
    reopened = alert.reopened + (event == "again")
    return dataclasses.replace(
        alert, told=event, told_ns=now_ns, told_severity=severity, state=state, reopened=reopened
    )


def _is_worse(alert: Alert) -> bool:
    return rank(alert.cause.severity) > rank(alert.told_severity)


def _together(before: Cause, after: Cause) -> tuple[Partition, ...]:
    """Return the partitions of both, in order. A cause that goes on has mostly those that it had, in order."""
    if before is not after and before.partitions == after.partitions:
        return before.partitions
    return tuple(sorted({*before.partitions, *after.partitions}, key=_ORDER)[:MOST_PARTITIONS])
