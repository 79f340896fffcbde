"""The port of probes: what one is asked with, and what it answers. A module here defines `PROBES`, by name."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol

from market_data.pipeline.workspace import Workspace, feed_named, opened
from market_data.settings import Feed, Settings

State = Literal["healthy", "degraded", "unhealthy"]
HEALTHY: State = "healthy"
DEGRADED: State = "degraded"
UNHEALTHY: State = "unhealthy"
STATES: Sequence[State] = (HEALTHY, DEGRADED, UNHEALTHY)
"""From the best to the worst. Degraded: it works, and something is not as it should be."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a probe says of one thing.

    Attributes:
        about: the probe, and of what it speaks where that is one of several: `freshness demo`.
        sentence: what is so.
        advice: what to do, where something is to be done.
        figures: the same for programs; JSON types only.
        bars: what needs this cannot be looked at.
    """

    about: str
    state: State
    sentence: str
    advice: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict[str, Any])
    bars: bool = False


class Probe(Protocol):
    """Looks at one part of the platform."""

    @property
    def needs(self) -> Sequence[str]:
        """Return the probes without whose subject there is nothing to look at."""
        ...

    def look(self, scope: "Scope") -> Iterable[Verdict]:
        """Return what is so; an error that is raised is told as unhealthy."""
        ...


class Scope:
    """What probes look at. Close it.

    Args:
        load: reads the settings; it may fail, and then the configuration's probe tells so.
        only: the feed to look at; every one where it is None.
        full: read every file, and not only today's sample.
        now: when it is, UTC.
    """

    def __init__(self, load: Callable[[], Settings], only: str | None, *, full: bool, now: dt.datetime) -> None:
        self._load = load
        self.only = only
        self.full = full
        self.now = now
        self._open = ExitStack()

    @cached_property
    def settings(self) -> Settings:
        """Return the settings.

        Raises:
            ConfigurationError: they cannot be read.
        """
        return self._load()

    @cached_property
    def workspace(self) -> Workspace:
        """Return an open workspace; opening it makes what the ledger lacks."""
        return self._open.enter_context(opened(self.settings, "health"))

    @property
    def feeds(self) -> Sequence[Feed]:
        """Return the feeds to look at.

        Raises:
            ConfigurationError: there is no such feed.
        """
        if self.only is None:
            return [*self.settings.feeds.values()]
        return [feed_named(self.settings, self.only)]

    def close(self) -> None:
        """Close what was opened."""
        self._open.close()
