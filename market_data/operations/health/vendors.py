"""Whether each vendor answers, by the circuit that all processes share. No vendor is asked."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from market_data.operations.health._probe import DEGRADED, HEALTHY, Probe, Scope, State, Verdict
from market_data.settings import Settings
from market_data.vendor_access.circuit_breaker import Circuit, read

_FILE = "breaker.json"


class _Vendors:
    needs = ("configuration",)

    def look(self, scope: Scope) -> Iterator[Verdict]:
        now = scope.now.timestamp()
        for source in sorted({feed.source for feed in scope.feeds}):
            found = circuits(scope.settings, source)
            if not found:
                yield Verdict(f"vendor {source}", HEALTHY, "was not asked yet from this home")
            for name, circuit in found.items():
                yield _judged(name, circuit, now)


def circuits(settings: Settings, source: str) -> dict[str, Circuit]:
    """The circuits of a source's vendor, by the folders they lie in."""
    root = settings.vendors / source
    return {_name(path, settings.vendors): read(path) for path in sorted(root.rglob(_FILE))}


def _name(path: Path, root: Path) -> str:
    return path.parent.relative_to(root).as_posix()


def _judged(name: str, circuit: Circuit, now: float) -> Verdict:
    state = circuit.state(now)
    answered = f"last answered at {_time(circuit.last_success)}" if circuit.last_success else "has not answered yet"
    words, advice = f"{answered}; circuit {state}", ""
    judged: State = HEALTHY
    if state != "closed":
        judged = DEGRADED
        words += f" after {circuit.failures} requests without an answer, the last: {circuit.last_error}"
        advice = f"it is asked again at {_time(circuit.until)}; look at the vendor's status page, and at the network"
    elif circuit.failures:
        words += f"; {circuit.failures} requests in a row failed, the last: {circuit.last_error}"
    figures = {"circuit": state, "failures": circuit.failures, "last_success": circuit.last_success or None}
    return Verdict(f"vendor {name}", judged, words, advice, figures)


def _time(seconds: float) -> str:
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


PROBE: Probe = _Vendors()
