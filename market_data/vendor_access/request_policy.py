"""How a source asks its vendor: within the vendor's limits, patiently, and not at all while it is down.

What is asked is the source's matter. It knows no vendor and no HTTP.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from market_data.vendor_access.circuit_breaker import Breaker
from market_data.vendor_access.rate_limits import Limits
from market_data.vendor_access.retry_policy import patiently
from market_data.vendor_access.timeouts import Patience

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Manners:
    """Towards one vendor."""

    patience: Patience
    breaker: Breaker

    def ask(self, call: Callable[[], T], limits: Limits | None = None, weight: int = 1) -> T:
        """Return what the call returns, tried again where that may help; each try keeps the limits.

        Args:
            call: one request; it raises the project's errors only.
            limits: those that the request counts against.
            weight: how much it counts.

        Raises:
            VendorUnavailable: it failed `patience.attempts` times, or the circuit is open; any other error at once.
        """
        return patiently(self.patience, lambda: self.once(call, limits, weight))

    def once(self, call: Callable[[], T], limits: Limits | None = None, weight: int = 1) -> T:
        """Return the same without trying again, for what must not be done twice.

        Raises:
            VendorUnavailable: it failed, or the circuit is open; any other error at once.
        """

        def within_the_limits() -> T:
            if limits is not None:
                limits.wait(weight)
            return call()

        return self.breaker.call(within_the_limits)
