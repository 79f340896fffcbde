"""The port of the alerts' history: what is known of causes, and the messages that channels are still to get."""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from market_data.domain.alerts import Alert, Event
from market_data.domain.messages import Message
from market_data.domain.time import NS_PER_HOUR

DeliveryState = Literal["waiting", "sent", "superseded"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one channel. Instants are ns since the epoch, UTC.

    Attributes:
        tries: how often it was tried.
        next_ns: when it may be tried (again).
        error: why the last try failed; no secret stands in it.
    """

    id: int
    alert_id: int
    channel: str
    event: Event
    message: Message
    state: DeliveryState
    tries: int
    next_ns: int
    error: str | None
    created_ns: int
    sent_ns: int | None


class Book(Protocol):
    """The history within one transaction; no other process writes to it meanwhile."""

    def latest(self, key: str) -> Alert | None:
        """Return the newest alert of a cause."""
        ...

    def unsettled(self) -> Sequence[Alert]:
        """Return alerts that are not resolved, or whose end was not told."""
        ...

    def write(self, alert: Alert) -> Alert:
        """Enter a new alert, or what became of one; with its number."""
        ...

    def enqueue(self, alert: Alert, event: Event, message: Message, channels: Collection[str], now_ns: int) -> None:
        """A message to each of the channels, in place of those of the same alert that still wait."""
        ...

    def channels_of(self, alert: Alert) -> Sequence[str]:
        """Return the channels that got, or should have got, a message of the alert."""
        ...


LONGEST_WAIT_NS = NS_PER_HOUR
"""No message is kept back for longer, nor is one being sent for so long: what says so was written before the clock was
set back."""


class Outbox(Protocol):
    """The messages that wait."""

    def claim(self, channels: Collection[str], now_ns: int, until_ns: int) -> Sequence[Delivery]:
        """Return the messages to these channels that are due.

        They are the caller's until `until_ns`, and nobody else's.
        """
        ...

    def sent(self, deliveries: Sequence[Delivery], now_ns: int) -> None:
        """They arrived."""
        ...

    def failed(self, deliveries: Sequence[Delivery], error: str, next_ns: Sequence[int]) -> None:
        """They did not; each may be tried again at its `next_ns`. One that a newer message has replaced is not."""
        ...


class AlertsHistory(Outbox, Protocol):
    """What is kept of alerts."""

    def writing(self) -> AbstractContextManager[Book]:
        """Return one transaction."""
        ...

    def find(self, *, unresolved_only: bool = True, feed: str | None = None) -> Sequence[Alert]:
        """Return alerts, the newest first."""
        ...

    def deliveries(self, alert_ids: Collection[int]) -> Sequence[Delivery]:
        """Return the messages of alerts, oldest first."""
        ...

    def forget(self, before_ns: int) -> int:
        """Remove alerts that were resolved before, with their messages; how many alerts."""
        ...
