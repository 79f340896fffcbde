"""The history of alerts and their messages, in the ledger's database (`domain.ports.alerts.AlertsHistory`).

How it is read stands in `alerts_read`, for which SQLAlchemy is not needed.
"""

from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    and_,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from market_data.domain.alerts import Alert, Event
from market_data.domain.messages import Message
from market_data.domain.ports.alerts import LONGEST_WAIT_NS, Delivery
from market_data.ledger.alerts_read import (
    INSTANTS,
    OF_ALERT,
    alert_from,
    alerts_found,
    deliveries_of,
    delivery_from,
)
from market_data.ledger.database import take_turn
from market_data.ledger.engine_reader import EngineReader
from market_data.ledger.schema import alerts
from market_data.ledger.schema import deliveries as messages

_REWRITE = update(alerts).where(alerts.c.id == bindparam("of"))
"""Made once: a round of watching writes one for each cause."""


@dataclass(frozen=True, slots=True)
class HistoryBook:
    """The history within one transaction."""

    connection: Connection

    def latest(self, key: str) -> Alert | None:
        """Return the newest alert of a cause."""
        query = select(alerts).where(alerts.c.key == key).order_by(alerts.c.id.desc()).limit(1)
        row = self.connection.execute(query).mappings().first()
        return None if row is None else alert_from(row)

    def unsettled(self) -> Sequence[Alert]:
        """Return alerts that are not resolved, or whose end was not told."""
        where = or_(alerts.c.state != "resolved", alerts.c.told != "resolved")
        rows = self.connection.execute(select(alerts).where(where).order_by(alerts.c.id)).mappings()
        return [alert_from(row) for row in rows]

    def write(self, alert: Alert) -> Alert:
        """Enter a new alert, or what became of one; with its number."""
        if alert.id:
            self.connection.execute(_REWRITE, {**_values(alert), "of": alert.id})
            return alert
        entered = self.connection.execute(insert(alerts).values(_values(alert)).returning(*alerts.c))
        return alert_from(entered.mappings().one())

    def enqueue(self, alert: Alert, event: Event, message: Message, channels: Collection[str], now_ns: int) -> None:
        """A message to each of the channels, in place of those of the same alert that still wait."""
        d = messages.c
        # One that is on its way at this moment is left alone: if it fails, `failed` finds that it was replaced.
        waits = and_(d.alert_id == alert.id, d.state == "waiting", _is_past(d.claimed_until_ns, now_ns))
        self.connection.execute(update(messages).where(waits).values(state="superseded"))
        fixed = {"alert_id": alert.id, "event": event, "severity": message.severity, "title": message.title}
        fixed |= {"text": message.text, "is_good": message.is_good, "state": "waiting", "tries": 0}
        fixed |= {"next_ns": now_ns, "claimed_until_ns": 0, "created_ns": now_ns}
        rows = [{**fixed, "channel": channel} for channel in sorted(channels)]
        if rows:
            self.connection.execute(insert(messages), rows)

    def channels_of(self, alert: Alert) -> Sequence[str]:
        """Return the channels that got, or should have got, a message of the alert."""
        query = select(messages.c.channel).distinct().where(messages.c.alert_id == alert.id)
        return sorted(self.connection.execute(query).scalars())


@dataclass(frozen=True, slots=True)
class History:
    """The alerts of one ledger."""

    engine: Engine

    @contextmanager
    def writing(self) -> Generator[HistoryBook]:
        """Give one transaction; processes that write alerts take turns, so that none tells what another has told."""
        with self._turn() as connection:
            yield HistoryBook(connection)

    @contextmanager
    def _turn(self) -> Generator[Connection]:
        with self.engine.begin() as connection:
            take_turn(connection, alerts)
            yield connection

    def find(self, *, unresolved_only: bool = True, feed: str | None = None) -> Sequence[Alert]:
        """Return alerts, the newest first."""
        return alerts_found(EngineReader(self.engine), unresolved_only=unresolved_only, feed=feed)

    def deliveries(self, alert_ids: Collection[int]) -> Sequence[Delivery]:
        """Return the messages of alerts, oldest first."""
        return deliveries_of(EngineReader(self.engine), alert_ids)

    def forget(self, before_ns: int) -> int:
        """Remove alerts that were resolved before, with their messages; how many alerts."""
        old = and_(alerts.c.state == "resolved", alerts.c.resolved_ns < before_ns)
        with self._turn() as connection:  # else one that came back meanwhile would be removed
            numbers = list(connection.execute(select(alerts.c.id).where(old)).scalars())
            for number in numbers:
                connection.execute(delete(messages).where(messages.c.alert_id == number))
                connection.execute(delete(alerts).where(alerts.c.id == number))
        return len(numbers)

    def claim(self, channels: Collection[str], now_ns: int, until_ns: int) -> Sequence[Delivery]:
        """Return the messages to these channels that are due.

        They are the caller's until `until_ns`, and nobody else's.
        """
        d = messages.c
        past = and_(_is_past(d.next_ns, now_ns), _is_past(d.claimed_until_ns, now_ns))
        free = and_(d.state == "waiting", d.channel.in_(channels), past)
        # Not waited for: what another process has its hands on is being claimed or replaced.
        due = select(d.id).where(free).order_by(d.id).with_for_update(skip_locked=True)
        take = update(messages).where(d.id.in_(due)).values(claimed_until_ns=until_ns)
        with self.engine.begin() as connection:
            rows = connection.execute(take.returning(*messages.c)).mappings().all()
        return sorted((delivery_from(row) for row in rows), key=lambda each: each.id)

    def sent(self, deliveries: Sequence[Delivery], now_ns: int) -> None:
        """They arrived."""
        arrived = {"state": "sent", "sent_ns": now_ns, "claimed_until_ns": 0, "error": None}
        with self._turn() as connection:
            for each in deliveries:
                values = {**arrived, "tries": each.tries + 1}
                connection.execute(update(messages).where(messages.c.id == each.id).values(values))

    def failed(self, deliveries: Sequence[Delivery], error: str, next_ns: Sequence[int]) -> None:
        """They did not; each may be tried again at its `next_ns`. One that a newer message has replaced is not."""
        d = messages.c
        with self._turn() as connection:  # else a newer message could come between the look and the note
            for each, again_ns in zip(deliveries, next_ns, strict=True):
                newer = and_(d.alert_id == each.alert_id, d.channel == each.channel, d.id > each.id)
                replaced = connection.execute(select(d.id).where(newer).limit(1)).first() is not None
                state = "superseded" if replaced else "waiting"
                values = {"state": state, "tries": each.tries + 1, "error": error, "next_ns": again_ns}
                values |= {"claimed_until_ns": 0}
                connection.execute(update(messages).where(d.id == each.id, d.state == "waiting").values(values))


def _is_past(instant: ColumnElement[int], now_ns: int) -> ColumnElement[bool]:
    """Return whether a time to wait for has come, or lies so far ahead that the clock was set back since."""
    return or_(instant <= now_ns, instant > now_ns + LONGEST_WAIT_NS)


def _values(alert: Alert) -> dict[str, Any]:
    cause = alert.cause
    partitions = [[each.feed, each.date.isoformat(), each.symbol] for each in cause.partitions]
    values: dict[str, Any] = {"key": cause.key, "kind": cause.kind, "feed": cause.feed, "table_name": cause.table}
    values |= {"symbol": cause.symbol, "name": cause.name, "severity": cause.severity, "title": cause.title}
    values |= {"text": cause.text, "partitions": partitions}
    return values | {name: getattr(alert, name) for name in (*OF_ALERT, *INSTANTS)}
