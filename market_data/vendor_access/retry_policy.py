"""Trying again: how often, after which wait, and what is said of it. What may pass is decided by the errors' types.

stamina is imported with this module, so it is imported when something is fetched.
"""

import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

import stamina
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from market_data.domain.errors import VendorUnavailable
from market_data.vendor_access.circuit_breaker import Resting
from market_data.vendor_access.http_status import Busy
from market_data.vendor_access.timeouts import Patience

T = TypeVar("T")
_log = logging.getLogger(__name__)


def patiently(patience: Patience, call: Callable[[], T]) -> T:
    """Calls until it works, is refused, or has failed `patience.attempts` times.

    Raises:
        VendorUnavailable: the last one, with the number of tries; any other error at once.
    """
    tries = 0
    try:
        for attempt in attempts(patience, lambda error: _may_pass(error, patience), patience.attempts):
            with attempt:
                tries = attempt.num
                return call()
    except Resting:
        raise
    except VendorUnavailable as error:
        raise VendorUnavailable(f"{error} (tries: {tries}; try again later)") from error
    raise AssertionError("stamina returns or raises")


def attempts(
    patience: Patience, on: type[Exception] | Callable[[Exception], bool | float], count: int
) -> Iterator[stamina.Attempt]:
    """At most so many attempts, with the waits of `patience` between them."""
    set_on_retry_hooks([_say])
    return iter(
        stamina.retry_context(
            on=on,
            attempts=count,
            timeout=None,
            wait_initial=patience.first_wait_seconds,
            wait_max=patience.longest_wait_seconds,
            wait_jitter=patience.first_wait_seconds,
        )
    )


def _may_pass(error: Exception, patience: Patience) -> bool | float:
    """Return whether to try again, or after how many seconds."""
    if not isinstance(error, Busy) or error.wait_seconds is None:
        return isinstance(error, VendorUnavailable) and not isinstance(error, Resting)
    return error.wait_seconds <= patience.longest_retry_after_seconds and error.wait_seconds


def _say(details: RetryDetails) -> None:
    """In plain words through logging: stamina's own hook prints to standard output where structlog is installed."""
    _log.warning("%s; trying again in %.1f s", details.caused_by, details.wait_for)
