"""A circuit breaker that all processes of a folder share: a vendor that is down is left alone, and that is said once.

Not a library's: those keep their state in a process or in Redis, and set its parts one by one, where several
processes would open the circuit one after the other.
"""

import datetime as dt
import json
import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeVar

from market_data.domain.errors import VendorUnavailable
from market_data.storage.files import write_atomic
from market_data.storage.locks import held
from market_data.vendor_access.http_status import Busy

T = TypeVar("T")
_log = logging.getLogger(__name__)
_NEWS_SECONDS = 60.0


class Resting(VendorUnavailable):
    """The vendor is not asked: it did not answer before."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """What is known of a vendor.

    Attributes:
        failures: requests in a row that it did not answer.
        openings: how often in a row the circuit was opened; 0 while it is closed.
        since: when the rest or the trial began, seconds since the epoch.
        until: when the next request may be made, likewise.
        trial: whether one request is under way to see if the vendor is back; if nothing is heard of it by `until`,
            the next one is let through.
        last_error: what the last failure was.
        last_success: when the vendor last answered, seconds since the epoch, to within a minute; 0 if it never did.
    """

    failures: int = 0
    openings: int = 0
    since: float = 0.0
    until: float = 0.0
    trial: bool = False
    last_error: str = ""
    last_success: float = 0.0

    def state(self, now: float) -> Literal["closed", "open", "half-open"]:
        """`half-open`: the rest is over, and one request decides."""
        if not self.openings:
            return "closed"
        return "half-open" if self.trial or not self.rests(now) else "open"

    def rests(self, now: float) -> bool:
        """Return whether nobody may ask yet.

        A clock that shows a time before the rest began was set back: it is over.
        """
        return bool(self.openings) and self.since <= now < self.until


@dataclass(frozen=True, slots=True)
class Breaker:
    """Guards the requests to one vendor.

    Attributes:
        path: the file that the processes share.
        vendor: its name, for messages.
        failures: so many requests in a row without an answer open the circuit.
        rest_seconds: how long it is then left alone; twice as long each time that it is still down.
        longest_rest_seconds: but no longer than this.
        trial_seconds: how long others wait for the one request that is let through after a rest.
        clock: the time of day, seconds since the epoch.
    """

    path: Path
    vendor: str
    failures: int = 8
    rest_seconds: float = 60.0
    longest_rest_seconds: float = 900.0
    trial_seconds: float = 120.0
    clock: Callable[[], float] = field(default=time.time, repr=False)

    def call(self, request: Callable[[], T]) -> T:
        """Return what the request returns, if the vendor may be asked.

        An answer of any kind closes the circuit: a refusal too, and one that says how long to wait.

        Raises:
            Resting: the circuit is open.
        """
        self._enter()
        try:
            answer = request()
        except VendorUnavailable as error:
            if isinstance(error, Busy) and error.wait_seconds is not None:
                self._answered()
            else:
                self._failed(error)
            raise
        except Exception:
            self._answered()
            raise
        self._answered()
        return answer

    def _enter(self) -> None:
        if not read(self.path).openings:
            return
        with self._changing():
            circuit, now = read(self.path), self.clock()
            if circuit.rests(now):
                until = dt.datetime.fromtimestamp(circuit.until, dt.UTC)
                raise Resting(
                    f"{self.vendor} is not asked before {until:%H:%M:%S} UTC: {self.failures} requests in a row "
                    f"failed, the last with: {circuit.last_error}"
                )
            if circuit.openings:
                _log.info("%s is asked once, to see whether it is back (circuit half-open)", self.vendor)
                self._write(replace(circuit, trial=True, since=now, until=now + self.trial_seconds))

    def _answered(self) -> None:
        circuit = read(self.path)
        if not circuit.failures and 0 <= self.clock() - circuit.last_success < _NEWS_SECONDS:
            return  # most requests end here, without a lock
        with self._changing():
            if read(self.path).openings:
                _log.warning("%s answers again (circuit closed)", self.vendor)
            self._write(Circuit(last_success=self.clock()))

    def _failed(self, error: VendorUnavailable) -> None:
        with self._changing():
            circuit = read(self.path)
            circuit = replace(circuit, failures=circuit.failures + 1, last_error=str(error))
            if circuit.trial or (not circuit.openings and circuit.failures >= self.failures):
                rest = min(self.rest_seconds * 2**circuit.openings, self.longest_rest_seconds)
                openings, now = circuit.openings + 1, self.clock()
                circuit = replace(circuit, openings=openings, since=now, until=now + rest, trial=False)
                _log.warning("%s is left alone for %.0f s (circuit open): %s", self.vendor, rest, error)
            self._write(circuit)

    def _changing(self) -> AbstractContextManager[None]:
        return held(self.path.with_suffix(".lock"), f"note how {self.vendor} is")

    def _write(self, circuit: Circuit) -> None:
        write_atomic(self.path, json.dumps(asdict(circuit)).encode())


def read(path: Path) -> Circuit:
    """Return the circuit that the file tells of; a closed one where there is none."""
    try:
        return Circuit(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Circuit()
