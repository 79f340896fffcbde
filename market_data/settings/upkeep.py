"""The key `upkeep` of `feeds.yaml`: which small files are brought into one, and how long history is kept."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_NS_PER_DAY = 24 * 60 * 60 * 10**9


def _in_days(value: str) -> str:
    if not re.fullmatch(r"[1-9]\d{0,4}d", value, re.ASCII):
        raise ValueError("expected a number of days such as 90d; without it history is kept for ever")
    return value


class Upkeep(BaseModel):
    """The key `upkeep` of `feeds.yaml`: what is done for the warehouse's files once a day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    history: Annotated[str, AfterValidator(_in_days)] | None = Field(
        default=None,
        description="how long revisions are kept after they were superseded, such as `90d`; without it for ever. "
        "`--as-of` an earlier time is an error then",
    )
    compact: bool = Field(default=True, description="whether small files of closed months are brought into one")
    compact_after_days: int = Field(default=7, ge=0, description="how many days ago a month must have ended")
    compact_below_mb: float = Field(
        default=4, gt=0, allow_inf_nan=False, description="files of that size or more stay as they are, 10^6 bytes"
    )

    @property
    def history_ns(self) -> int | None:
        """Return how long revisions are kept, ns; None for ever."""
        return None if self.history is None else int(self.history.removesuffix("d")) * _NS_PER_DAY
