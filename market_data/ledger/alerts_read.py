"""Reading the history of alerts in plain SQL: alerts and their messages. How they are written: `ledger.alerts`."""

import datetime as dt
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from market_data.domain.alerts import Alert, Cause
from market_data.domain.errors import ConfigurationError
from market_data.domain.messages import Message
from market_data.domain.partition import Partition
from market_data.domain.ports.alerts import Delivery
from market_data.ledger.reader import Reader, in_blocks

OF_ALERT = ("state", "occurrences", "reopened", "told", "told_ns", "told_severity")
INSTANTS = ("first_ns", "last_ns", "acknowledged_ns", "resolved_ns")
_OF_CAUSE = ("kind", "severity", "title", "text", "feed", "symbol", "name")
_ALERT = ("id", "table_name", *_OF_CAUSE, *OF_ALERT, *INSTANTS, "partitions")
_ALERTS = f"SELECT {', '.join(_ALERT[:-1])}, CAST(partitions AS TEXT) FROM alerts"
_MOST = 2**63 - 1
"""No number is greater, nor can SQLite be asked for one."""
_OF_DELIVERY = tuple(name for name in Delivery.__dataclass_fields__ if name != "message")
_DELIVERY = (*_OF_DELIVERY, "title", "text", "severity", "is_good")


def alerts_found(reader: Reader, *, unresolved_only: bool = True, feed: str | None = None) -> Sequence[Alert]:
    """Return alerts, the newest first."""
    where = ["state <> 'resolved'"] * unresolved_only + ["feed = ?"] * (feed is not None)
    narrowed = f"{_ALERTS} WHERE {' AND '.join(where)}" if where else _ALERTS
    return _alerts(reader, f"{narrowed} ORDER BY id DESC", [] if feed is None else [feed])


def known_alert(reader: Reader, number: int) -> Alert:
    """Return the alert of that number.

    Raises:
        ConfigurationError: there is none.
    """
    found = _alerts(reader, f"{_ALERTS} WHERE id = ?", [min(number, _MOST)])
    if not found:
        raise ConfigurationError(f"there is no alert {number}; `market-data alerts --all` lists those there are")
    return found[0]


def deliveries_of(reader: Reader, alert_ids: Collection[int]) -> Sequence[Delivery]:
    """Return the messages of alerts, oldest first."""
    query = f"SELECT {', '.join(_DELIVERY)} FROM deliveries WHERE alert_id IN"
    rows = in_blocks(reader, query, [*alert_ids])
    return sorted((delivery_from(dict(zip(_DELIVERY, row, strict=True))) for row in rows), key=lambda each: each.id)


def alert_from(row: Mapping[Any, Any]) -> Alert:
    """Return an alert from its row; its partitions are no text any more."""
    day = dt.date.fromisoformat
    partitions = tuple(Partition(feed, day(date), symbol) for feed, date, symbol in row["partitions"])
    cause = Cause(table=row["table_name"], partitions=partitions, **{name: row[name] for name in _OF_CAUSE})
    return Alert(cause, id=row["id"], **{name: row[name] for name in (*OF_ALERT, *INSTANTS)})


def delivery_from(row: Mapping[Any, Any]) -> Delivery:
    """Return a message to a channel from its row."""
    said = Message(row["title"], row["text"], row["severity"], bool(row["is_good"]))
    return Delivery(message=said, **{name: row[name] for name in _OF_DELIVERY})


def _alerts(reader: Reader, query: str, values: Sequence[Any]) -> Sequence[Alert]:
    rows = (dict(zip(_ALERT, row, strict=True)) for row in reader.rows(query, values))
    return [alert_from(row | {"partitions": json.loads(row["partitions"])}) for row in rows]
