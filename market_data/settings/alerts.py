"""The key `alerts` of `feeds.yaml`: who is told what, and how often. Channels' addresses stand in the environment."""

import re
from collections.abc import Collection
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from market_data.domain.alerts import rank
from market_data.domain.ports.check import Severity


def _channel_name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name):
        raise ValueError("expected small letters, digits and '_', a letter first, at most 64: it names a channel")
    return name


class Route(BaseModel):
    """Which alerts go to a channel."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channel: Annotated[str, AfterValidator(_channel_name)] = Field(
        description="the channel's name: `ops` is the one whose address stands in `MARKET_DATA_ALERTS_OPS`"
    )
    severity: Severity = Field(default="warning", description="the least that is told")
    feeds: tuple[str, ...] = Field(
        default=(), description="whose alerts; without it those of every feed and of the platform itself"
    )

    @field_validator("feeds")
    @classmethod
    def _known_feeds(cls, feeds: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        known = (info.context or {}).get("feeds", feeds)
        if unknown := [feed for feed in feeds if feed not in known]:
            raise ValueError(f"there is no feed {', '.join(unknown)}; expected out of {', '.join(known)}")
        return feeds

    def takes(self, severity: Severity, feed: str | None) -> bool:
        """Return whether an alert so grave, of that feed (None: of the platform itself), goes this way."""
        return rank(severity) >= rank(self.severity) and (not self.feeds or feed in self.feeds)


class Alerts(BaseModel):
    """The key `alerts` of `feeds.yaml`: who is told what, and how often."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    routes: tuple[Route, ...] = Field(
        default=(), description="who is told what; without it every channel is told warnings and what is graver"
    )
    repeat_after_hours: float = Field(
        default=24, gt=0, allow_inf_nan=False, description="how long a cause that goes on is counted and not told again"
    )
    stalled_after_minutes: float = Field(
        default=30, gt=0, allow_inf_nan=False, description="a run that told nothing for so long is an alert"
    )
    rejected_share: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="more than this share of a table's records set aside in 24 hours is an alert, 0 to 1",
    )
    keep_days: int = Field(default=90, ge=1, description="how long the history keeps alerts that were resolved")

    def channels(self, severity: Severity, feed: str | None, there: Collection[str]) -> tuple[str, ...]:
        """Return the channels that are told of such an alert.

        Args:
            there: the channels that the environment has; those of routes are told whether it has them or not.
        """
        routes = self.routes or tuple(Route(channel=name) for name in there)
        return tuple(sorted({route.channel for route in routes if route.takes(severity, feed)}))
