"""What became of causes, told: the history is written first, then the channels get what waits for them.

Whoever watches something (a sensor, a command) calls these functions and nothing else. A channel that is down fails
none of them: its messages wait in the history, and each call tries those that are due.
"""

import datetime as dt
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import SecretStr

from market_data.alerts import deliver
from market_data.domain.alerts import Alert, Cause, acknowledged, due, ended, grouped, seen, told
from market_data.domain.errors import ConfigurationError
from market_data.domain.messages import message
from market_data.domain.ports.alerts import Book
from market_data.domain.time import NS_PER_DAY, NS_PER_HOUR, to_ns
from market_data.ledger.alerts_read import known_alert
from market_data.pipeline.workspace import Workspace
from market_data.settings import Alerts, alert_channels

Channels = Mapping[str, SecretStr]
_log = logging.getLogger("market_data.alerts")


@dataclass(frozen=True, slots=True)
class Told:
    """What a call did.

    Attributes:
        alerts: those that a message was made for, with `told` saying which.
        channels: those that were tried: None where all arrived, else why not.
    """

    alerts: tuple[Alert, ...]
    channels: Mapping[str, str | None]


def raise_alerts(
    workspace: Workspace, causes: Iterable[Cause], now: dt.datetime, channels: Channels | None = None
) -> Told:
    """Count causes that were seen, and tell those that are new, graver, back, or due to be told again.

    Args:
        causes: any number of sightings; those of one cause are one alert.
        now: aware; what the throttling goes by.
        channels: their addresses; by default those of the environment.
    """
    return _write(workspace, now, channels, lambda book, now_ns: _count(workspace, book, causes, now_ns))


def resolve_alerts(
    workspace: Workspace, keys: Collection[str], now: dt.datetime, channels: Channels | None = None
) -> Told:
    """End the causes of these keys, and tell it; one that has no alert, or ended before, is passed over."""

    def end(book: Book, now_ns: int) -> None:
        for key in keys:
            alert = book.latest(key)
            if alert is not None and alert.state != "resolved":
                book.write(ended(alert, now_ns))

    return _write(workspace, now, channels, end)


def report_alerts(
    workspace: Workspace,
    kind: str,
    feed: str | None,
    causes: Collection[Cause],
    now: dt.datetime,
    channels: Channels | None = None,
) -> Told:
    """Count and tell all that is wrong now of one kind and feed; what is not among it any more has ended.

    For whoever looks at the whole each time, such as a sensor that evaluates freshness.

    Raises:
        ValueError: a cause is of another kind or feed.
    """
    return report_round(workspace, {(kind, feed): causes}, now, channels)


def report_round(
    workspace: Workspace,
    found: Mapping[tuple[str, str | None], Collection[Cause]],
    now: dt.datetime,
    channels: Channels | None = None,
) -> Told:
    """Do as `report_alerts` for many kinds and feeds at once: the history is read and written in one go.

    Args:
        found: all that is wrong now, by kind and feed; what is not named there is left as it is.

    Raises:
        ValueError: a cause is of another kind or feed.
    """
    for (kind, feed), causes in found.items():
        if strangers := [cause.key for cause in causes if (cause.kind, cause.feed) != (kind, feed)]:
            raise ValueError(f"not of kind {kind!r} and feed {feed!r}: {', '.join(strangers)}")

    def compare(book: Book, now_ns: int) -> None:
        seen_now = [cause for causes in found.values() for cause in causes]
        still, before = {cause.key for cause in seen_now}, book.unsettled()
        _count(workspace, book, seen_now, now_ns, {each.cause.key: each for each in before if each.state != "resolved"})
        for alert in before:
            if (alert.cause.kind, alert.cause.feed) in found and alert.cause.key not in still:
                book.write(ended(alert, now_ns))

    return _write(workspace, now, channels, compare)


def tell_again(workspace: Workspace, now: dt.datetime, channels: Channels | None = None) -> Told:
    """Tell what became due meanwhile, and try the channels that were down: to be called now and then."""
    return _write(workspace, now, channels, _nothing)


def acknowledge(workspace: Workspace, number: int, now: dt.datetime) -> Alert:
    """Take an alert on: it is not told again unless it gets graver, or when it ends.

    Raises:
        ConfigurationError: there is no alert of that number, or it has ended.
    """
    alert = known_alert(workspace.ledger.current_reader, number)
    with workspace.ledger.alerts.writing() as book:
        alert = book.latest(alert.cause.key)
        if alert is None or alert.id != number or alert.state == "resolved":
            raise ConfigurationError(f"alert {number} has ended: there is nothing to acknowledge")
        return book.write(acknowledged(alert, to_ns(now)))


def resolve_number(workspace: Workspace, number: int, now: dt.datetime, channels: Channels | None = None) -> Told:
    """End an alert whose cause nobody watches any more, such as that of a feed that was removed.

    Raises:
        ConfigurationError: there is no alert of that number.
    """
    return resolve_alerts(workspace, [known_alert(workspace.ledger.current_reader, number).cause.key], now, channels)


def forget(workspace: Workspace, now: dt.datetime, keep_days: int | None = None) -> int:
    """Remove alerts that ended more than so many days ago (the configured ones by default); how many."""
    days = workspace.settings.alerts.keep_days if keep_days is None else keep_days
    return workspace.ledger.alerts.forget(to_ns(now) - days * NS_PER_DAY)


def _write(
    workspace: Workspace, now: dt.datetime, channels: Channels | None, change: Callable[[Book, int], None]
) -> Told:
    """Do `change` and what it makes due in one transaction, then the messages that wait, then the sweeping up."""
    now_ns, history = to_ns(now), workspace.ledger.alerts
    addresses = alert_channels() if channels is None else channels
    with history.writing() as book:
        change(book, now_ns)
        alerts = tuple(_tell_due(book, workspace.settings.alerts, addresses, now_ns))
    outcomes = deliver(history, addresses, now_ns)
    forget(workspace, now)
    return Told(alerts, outcomes)


def _nothing(book: Book, now_ns: int) -> None:
    """No change: what became due is told all the same."""


def _count(
    workspace: Workspace,
    book: Book,
    causes: Iterable[Cause],
    now_ns: int,
    unresolved: Mapping[str, Alert] = MappingProxyType({}),
) -> None:
    """Count sightings. A cause that has an alert which is not resolved needs not be looked up."""
    for cause, occurrences in grouped(causes):
        before = unresolved.get(cause.key) or book.latest(cause.key)
        book.write(seen(before, cause, now_ns, _repeat_after_ns(workspace.settings.alerts), occurrences))


def _tell_due(book: Book, settings: Alerts, addresses: Channels, now_ns: int) -> Iterable[Alert]:
    for alert in book.unsettled():
        event = due(alert, now_ns, _repeat_after_ns(settings))
        if event is None:
            continue
        after = book.write(told(alert, event, now_ns))
        said = message(after, event)
        _log.log(_LEVELS["info" if said.is_good else said.severity], "alert %d: %s", after.id, said.title)
        routed = settings.channels(after.cause.severity, after.cause.feed, addresses)
        book.enqueue(after, event, said, book.channels_of(after) if event == "resolved" else routed, now_ns)
        yield after


def _repeat_after_ns(settings: Alerts) -> int:
    return int(settings.repeat_after_hours * NS_PER_HOUR)


_LEVELS = {
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
