"""Messages that wait, through the channels they are for: in parallel, each once, again later where it failed."""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from pydantic import SecretStr

from market_data.alerts.channels import TIMEOUT_SECONDS, scheme, send
from market_data.domain.messages import bundled
from market_data.domain.ports.alerts import LONGEST_WAIT_NS, Delivery, Outbox
from market_data.domain.time import NS_PER_MINUTE, NS_PER_SECOND

_log = logging.getLogger("market_data.alerts")
_MOST_AT_ONCE = 8
_CLAIM_NS = int(10 * TIMEOUT_SECONDS) * NS_PER_SECOND


def deliver(
    outbox: Outbox, channels: Mapping[str, SecretStr], now_ns: int, timeout_seconds: float = TIMEOUT_SECONDS
) -> Mapping[str, str | None]:
    """Send what is due; for each channel that was tried, None or why it failed.

    All that a channel is to hear goes into one message. A process that dies between sending and writing it down has
    its messages sent once more, when its claim lapses. Messages for channels that this process has no address of wait
    for one that has.

    Args:
        channels: the addresses by name.
        now_ns: ns since the epoch, UTC.
    """
    claimed = outbox.claim(list(channels), now_ns, now_ns + _CLAIM_NS)
    waiting = {name: [each for each in claimed if each.channel == name] for name in channels}
    waiting = {name: mine for name, mine in waiting.items() if mine}
    if not waiting:
        return {}

    def tell(name: str) -> str | None:
        return send(channels[name], bundled([each.message for each in waiting[name]]), timeout_seconds)

    with ThreadPoolExecutor(min(_MOST_AT_ONCE, len(waiting))) as pool:
        outcomes = dict(zip(waiting, pool.map(tell, waiting), strict=True))
    for name, error in outcomes.items():
        _settle(outbox, f"{name} ({scheme(channels[name])})", waiting[name], error, now_ns)
    return outcomes


def rest_ns(tries: int) -> int:
    """Return how long to wait after so many failed tries: a minute, two, four, ... an hour at most."""
    return min(NS_PER_MINUTE * 2 ** min(tries - 1, 20), LONGEST_WAIT_NS)


def _settle(outbox: Outbox, shown: str, deliveries: Sequence[Delivery], error: str | None, now_ns: int) -> None:
    if error is None:
        outbox.sent(deliveries, now_ns)
        return
    _log.warning("alerts: %s failed: %s; %d messages wait", shown, error, len(deliveries))
    outbox.failed(deliveries, error, [now_ns + rest_ns(each.tries + 1) for each in deliveries])
