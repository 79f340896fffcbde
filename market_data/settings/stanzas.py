"""The smaller stanzas of a feed: what it may spend, which rules it changes, how it mends itself."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from market_data.domain.rules import Amendments, Bound


class Budget(BaseModel):
    """What a feed may spend at a vendor that bills what is fetched. Above it nothing is bought."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_usd: float = Field(default=5.0, ge=0, allow_inf_nan=False, description="what one run may spend, USD")
    day_usd: float = Field(
        default=20.0, ge=0, allow_inf_nan=False, description="what all runs of a UTC day may spend together, USD"
    )


Reason = Annotated[str, Field(min_length=10, description="why, in a sentence")]


class Limits(BaseModel):
    """Bounds that a feed adds to a column; a row beyond them goes to quarantine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min: Decimal | None = Field(default=None, allow_inf_nan=False, description="the least value, included")
    max: Decimal | None = Field(default=None, allow_inf_nan=False, description="the greatest value, included")
    reason: Reason

    @model_validator(mode="after")
    def _some_limit(self) -> "Limits":
        if self.min is None and self.max is None:
            raise ValueError("expected min, max or both")
        return self


class TableRules(BaseModel):
    """What a feed changes of the contract of one of its tables."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    relax: dict[str, Reason] = Field(
        default={}, description="rules that do not count for this feed, by the quarantine's names, each with the reason"
    )
    tighten: dict[str, Limits] = Field(
        default={}, description="bounds by column: `min`, `max` or both, and the `reason`"
    )

    @property
    def amendments(self) -> Amendments:
        """Return the same for the contract."""
        bounds = (Bound(column, each.min, each.max, each.reason) for column, each in sorted(self.tighten.items()))
        return Amendments(tuple(sorted(self.relax.items())), tuple(bounds))


class Repair(BaseModel):
    """How a feed mends itself: partitions that are missing, outdated, poor or replaced are made again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(default=True, description="whether it does so by itself")
    look_back_days: int = Field(default=30, ge=1, description="older days are left as they are")
    per_day: int = Field(default=50, ge=0, description="at most so many partitions a UTC day")
    tries: int = Field(default=5, ge=1, description="after so many a partition is given up, with an alert")
    first_wait_minutes: float = Field(
        default=60,
        ge=0,
        description="between a partition's first and second try; each later wait is twice as long",
    )
    asks: int = Field(
        default=50,
        ge=0,
        description="of so many partitions at a time the vendor is asked if it replaced its files",
    )
