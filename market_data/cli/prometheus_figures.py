"""The platform's figures in Prometheus' words, gathered anew at most every few seconds. Which there are: `figures`."""

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from market_data.operations.metrics import MEANINGS, Figure, groups

if TYPE_CHECKING:
    from market_data.pipeline.workspace import Workspace

_PREFIX = "market_data_"
_log = logging.getLogger(__name__)
Gather = Callable[[], Iterator[Figure]]


class Platform(Collector):
    """Collects the figures of a workspace.

    Args:
        runs: Dagster's figures.
        seconds: for how long what was gathered is told again: several servers may scrape one exporter.
    """

    def __init__(self, workspace: "Workspace", runs: Gather, seconds: float) -> None:
        self._workspace = workspace
        self._runs = runs
        self._seconds = seconds
        self._gathered: list[Metric] = []
        self._until = 0.0
        self._lock = Lock()

    def describe(self) -> list[Metric]:
        """Nothing: else the figures would be gathered when the exporter starts."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the figures; a group that fails is left out and told."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._gathered = [*self._gather()]
                self._until = time.monotonic() + self._seconds
            yield from self._gathered

    def _gather(self) -> Iterator[Metric]:
        gathering = {**groups(self._workspace, dt.datetime.now(dt.UTC)), "runs": self._runs}
        succeeded = _family(
            "collector_success", "gauge", "Whether a group of figures could be gathered.", ("collector",)
        )
        figures: list[Figure] = []
        for name, gather in gathering.items():
            try:
                figures += gather()
                succeeded.add_metric([name], 1)
            except Exception:  # one group that fails must not hide the others
                _log.exception("the figures of %s could not be gathered", name)
                succeeded.add_metric([name], 0)
        yield succeeded
        yield from _families(figures)


def _families(figures: Sequence[Figure]) -> Iterator[Metric]:
    for name in dict.fromkeys(figure.name for figure in figures):
        alike = [figure for figure in figures if figure.name == name]
        kind, meaning = MEANINGS[name]
        family = _family(name, kind, meaning, tuple(alike[0].labels))
        for figure in alike:
            family.add_metric([*figure.labels.values()], figure.value)
        yield family


def _family(name: str, kind: str, meaning: str, labels: Sequence[str]) -> CounterMetricFamily | GaugeMetricFamily:
    family = CounterMetricFamily if kind == "counter" else GaugeMetricFamily
    return family(_PREFIX + name, meaning, labels=[*labels])
