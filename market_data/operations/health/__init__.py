"""Whether the platform is well: probes by subject, found by scanning their modules. They look, and change nothing.

A probe that crashes is a probe that found something: its error is told, and the others go on.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from market_data.domain import plugins
from market_data.domain.errors import MarketDataError
from market_data.operations.health._probe import DEGRADED, HEALTHY, STATES, UNHEALTHY, Probe, Scope, State, Verdict

__all__ = [
    "DEGRADED",
    "HEALTHY",
    "STATES",
    "UNHEALTHY",
    "Probe",
    "Scope",
    "State",
    "Verdict",
    "examine",
    "probes",
    "worst",
]


def probes() -> dict[str, Probe]:
    """Return every probe, by name."""
    found: dict[str, Probe] = {}
    for module in plugins.names(__name__):
        found |= cast("Mapping[str, Probe]", plugins.load(__name__, module, "PROBES"))
    return found


def examine(scope: Scope, found: Mapping[str, Probe]) -> Iterator[Verdict]:
    """Yield what each probe says, those first that others need.

    What a probe needs and is not to be had leaves it out: its verdict would only repeat what is told already.
    """
    barred: set[str] = set()
    for name in _in_order(found):
        if barred.intersection(found[name].needs):
            barred.add(name)
            continue
        for verdict in _verdicts(name, found[name], scope):
            if verdict.bars:
                barred.add(name)
            yield verdict


def worst(verdicts: Sequence[Verdict]) -> State:
    """Return the gravest state among them."""
    return STATES[max((STATES.index(verdict.state) for verdict in verdicts), default=0)]


def _in_order(found: Mapping[str, Probe]) -> list[str]:
    """By name, but after what they need."""
    ordered: list[str] = []
    while left := [name for name in sorted(found) if name not in ordered]:
        ready = [name for name in left if not set(found[name].needs) - set(ordered)]
        ordered += ready or left  # a need that no probe has keeps nobody from being asked
    return ordered


def _verdicts(name: str, probe: Probe, scope: Scope) -> Sequence[Verdict]:
    try:
        return [*probe.look(scope)]
    except MarketDataError as error:
        return [Verdict(name, UNHEALTHY, str(error), bars=True)]
    except Exception as error:  # whatever it is, it is told, and the other probes are asked
        words = " ".join(str(error).split())
        return [Verdict(name, UNHEALTHY, f"the probe failed: {type(error).__name__}: {words}", bars=True)]
