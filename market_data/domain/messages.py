"""What is said of alerts: one message each, or one for all that a channel is to hear at once. Plain text."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from market_data.domain.alerts import SEVERITIES, Alert, Event, Severity, rank
from market_data.domain.time import to_datetime

_NAMED_PARTITIONS = 8
_LONGEST_TITLE, _LONGEST_TEXT = 200, 3_000
_HEADS: dict[Event, str] = {
    "raised": "{severity}",
    "repeated": "{severity}, goes on",
    "worse": "now {severity}",
    "again": "{severity}, again",
    "resolved": "resolved",
}


@dataclass(frozen=True, slots=True)
class Message:
    """What goes to a channel. `is_good` is the news that something ended."""

    title: str
    text: str
    severity: Severity
    is_good: bool = False


def message(alert: Alert, event: Event) -> Message:
    """Return what is said of one alert that has its number."""
    cause = alert.cause
    whose = " ".join(part for part in (cause.feed, cause.table, cause.symbol) if part)
    head = _HEADS[event].format(severity=cause.severity)
    title = f"[{head}] {whose + ': ' if whose else ''}{cause.title}"
    lines = [cause.text, _partitions(alert), _history(alert, event)]
    if event != "resolved":
        lines.append(f"Somebody is at it: market-data alerts ack {alert.id}")
    text = "\n".join(line for line in lines if line)
    return Message(_cut(title, _LONGEST_TITLE), _cut(text, _LONGEST_TEXT), cause.severity, event == "resolved")


def bundled(messages: Sequence[Message]) -> Message:
    """Return one message for several, the gravest first and what ended last."""
    if len(messages) == 1:
        return messages[0]
    ordered = sorted(messages, key=lambda each: (each.is_good, -rank(each.severity)))
    bad = [each for each in ordered if not each.is_good]
    counts = Counter(each.severity for each in bad)
    parts = [f"{counts[severity]} {severity}" for severity in reversed(SEVERITIES) if counts[severity]]
    parts += [f"{len(ordered) - len(bad)} resolved"] if len(bad) < len(ordered) else []
    titles = "\n".join(each.title for each in ordered)
    details = "\n\n".join(f"{each.title}\n{each.text}" for each in ordered)
    text = details if len(details) <= _LONGEST_TEXT else f"{titles}\n\nIn full: market-data alerts"
    title = f"{len(ordered)} alerts: {', '.join(parts)}"
    return Message(title, _cut(text, _LONGEST_TEXT), (bad or ordered)[0].severity, not bad)


def _partitions(alert: Alert) -> str:
    found = alert.cause.partitions
    if not found:
        return ""
    named = ", ".join(f"{each.date.isoformat()} {each.symbol}" for each in found[:_NAMED_PARTITIONS])
    more = f" and {len(found) - _NAMED_PARTITIONS} more" if len(found) > _NAMED_PARTITIONS else ""
    return f"Partitions ({len(found)}): {named}{more}"


def _history(alert: Alert, event: Event) -> str:
    since = f"since {_minute(alert.first_ns)}"
    times = f", seen {alert.occurrences} times" if alert.occurrences > 1 else ""
    until = f" until {_minute(alert.resolved_ns)}" if event == "resolved" and alert.resolved_ns is not None else ""
    return f"Alert {alert.id}, {since}{until}{times}"


def _minute(ns: int) -> str:
    return to_datetime(ns).strftime("%Y-%m-%d %H:%M UTC")


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 4]} ..."
