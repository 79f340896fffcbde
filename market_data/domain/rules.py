"""How a feed may change a table's contract: which rules it drops, which bounds it adds, and why. No rule stands here.

Light: configuration is read with it at every start.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Bound:
    """A rule that a feed adds: a column's value, where there is one, lies within `lowest` to `highest`, both included.

    Attributes:
        reason: why, in the configuration's words; the quarantine repeats it.
    """

    column: str
    lowest: Decimal | None
    highest: Decimal | None
    reason: str

    @property
    def rule(self) -> str:
        """Return its name in the quarantine."""
        return f"{self.column}_is_within_the_feeds_bounds"


@dataclass(frozen=True, slots=True)
class Amendments:
    """What a feed changes of one table's contract.

    Attributes:
        relaxed: rules that do not count, each with the reason.
        bounds: rules that count besides, at most one a column.
    """

    relaxed: tuple[tuple[str, str], ...] = ()
    bounds: tuple[Bound, ...] = ()

    @property
    def notes(self) -> Mapping[str, object]:
        """For the ledger: under which rules a revision was made; empty where nothing was changed."""
        told: dict[str, object] = {}
        if self.relaxed:
            told["relaxed"] = dict(self.relaxed)
        if self.bounds:
            told["tightened"] = {
                bound.column: [None if end is None else str(end) for end in (bound.lowest, bound.highest)]
                for bound in self.bounds
            }
        return {"rules": told} if told else {}


AS_IT_IS = Amendments()
"""Nothing is changed."""
