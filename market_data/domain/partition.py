"""The atom of the platform: one UTC day of one symbol of one feed, and the names that are safe in its path."""

import datetime as dt
import re
from dataclasses import dataclass

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
SAFE_NAME = "letters, digits, '.', '_' and '-', beginning with a letter or digit, not ending with '.', at most 64"


def is_safe_name(name: str) -> bool:
    """Return whether a name may stand in a path and a partition key on every file system.

    Dagster forbids `|`, `,`, `[` and `]` in keys; Windows forbids a last dot; a first dot or `_` is how
    Hive readers tell files that are not data.
    """
    return _SAFE.fullmatch(name) is not None and not name.endswith(".")


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """One UTC day of one symbol of one feed. Orders by feed, then day, then symbol: the day before comes first."""

    feed: str
    date: dt.date
    symbol: str

    def __str__(self) -> str:
        return f"{self.feed} {self.symbol} {self.date.isoformat()}"

    @property
    def key(self) -> str:
        """Return its key in the feed, `2024-01-15|BTC-USD`: Dagster joins dimensions in order of name."""
        return f"{self.date.isoformat()}|{self.symbol}"

    @classmethod
    def of_key(cls, feed: str, key: str) -> "Partition":
        """Return the partition of a feed that has this key."""
        date, _, symbol = key.partition("|")
        return cls(feed, dt.date.fromisoformat(date), symbol)

    @property
    def day_before(self) -> "Partition":
        """Return the same symbol's partition of the day before."""
        return Partition(self.feed, self.date - dt.timedelta(days=1), self.symbol)
