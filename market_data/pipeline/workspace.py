"""What every step of a partition's life works with: settings, landing, warehouse, ledger and the feed's source."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from market_data.domain.errors import ConfigurationError
from market_data.domain.ports.source import Delivery, LandedFile, Source
from market_data.landing import Landing
from market_data.ledger.ledger import Ledger
from market_data.ledger.revision import Revision
from market_data.ledger.spending import Allowance
from market_data.settings import Feed, Settings
from market_data.sources import source as source_named
from market_data.storage.bucket import Bucket, BucketFolder
from market_data.storage.files import make_folder
from market_data.warehouse.store import Warehouse


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one table of one partition.

    Attributes:
        revision: what counts now.
        changed: whether it is a new revision; the same bytes give none.
        fetched: whether the vendor was asked; False where landing already had the bytes, or nothing is fetched.
        landed: the landed files it was made of.
        seconds: how long it took, fetching included.
        fetch_seconds: how long the vendor took.
    """

    table: str
    revision: Revision
    changed: bool
    fetched: bool = False
    landed: tuple[LandedFile, ...] = ()
    seconds: float = 0.0
    fetch_seconds: float = 0.0


@dataclass(slots=True)
class Workspace:
    """Open with `opened`.

    Attributes:
        run_id: written into what this process makes.
        allow_cost: whether feeds may spend more than their budgets.
    """

    settings: Settings
    landing: Landing
    warehouse: Warehouse
    run_id: str
    allow_cost: bool = False
    _sources: dict[str, Source] = field(default_factory=dict[str, Source])

    def feed(self, name: str) -> Feed:
        """Return the feed of that name.

        Raises:
            ConfigurationError: there is none; the text lists those there are.
        """
        return feed_named(self.settings, name)

    def source(self, feed: Feed) -> Source:
        """Return the feed's source, constructed once."""
        if feed.name not in self._sources:
            self._sources[feed.name] = source_named(feed.source)(
                feed.options, feed.symbols, self.settings.vendors / feed.source
            )
        return self._sources[feed.name]

    def delivery(self, feed: Feed, table: str) -> Delivery | None:
        """Return how the feed's source delivers a table; None for a table that the platform makes itself."""
        return self.source(feed).delivery(table) if table in feed.tables else None

    def allowance(self, feed: Feed) -> Allowance:
        """Return what the feed may spend."""
        return Allowance(None, None) if self.allow_cost else Allowance(feed.budget.run_usd, feed.budget.day_usd)

    @property
    def ledger(self) -> Ledger:
        """Return the ledger."""
        return self.warehouse.ledger


def feed_named(settings: Settings, name: str) -> Feed:
    """Return a feed by its name.

    Raises:
        ConfigurationError: there is none; the text lists those there are.
    """
    if name not in settings.feeds:
        known = ", ".join(settings.feeds)
        raise ConfigurationError(f"{settings.config_path} has no feed {name!r}; expected one out of {known}")
    return settings.feeds[name]


@contextmanager
def opened(settings: Settings, run_id: str = "cli", *, allow_cost: bool = False) -> Generator[Workspace]:
    """Give a workspace on the settings' home, which is made where it does not exist.

    Raises:
        ConfigurationError: the home cannot be made or written.
    """
    try:
        make_folder(settings.home)
    except OSError as error:
        named = "MARKET_DATA_SCRATCH" if settings.bucket is not None else "MARKET_DATA_HOME"
        raise ConfigurationError(f"{settings.home} cannot be made ({error.strerror}); {named} names it") from error
    landing, tables = _places(settings)
    ledger = Ledger(settings.database.get_secret_value())
    warehouse = Warehouse(tables, ledger)
    try:
        yield Workspace(settings, Landing(landing), warehouse, run_id, allow_cost)
    finally:
        warehouse.close()
        ledger.close()


def _places(settings: Settings) -> tuple[Path | BucketFolder, Path | BucketFolder]:
    """Return where landing and warehouse lie."""
    if settings.bucket is None:
        return settings.landing, settings.warehouse
    bucket = Bucket(settings.bucket.url, settings.home, settings.bucket.cache_bytes, settings.bucket.endpoint)
    return bucket.below("landing"), bucket.below("warehouse")


def landed_inputs(files: tuple[LandedFile, ...]) -> list[dict[str, Any]]:
    """Return landed files as a revision's inputs in the ledger."""
    return [{"file": file.name, "sha256": file.sha256, "origin": file.origin} for file in files]


def revision_input(revision: Revision) -> dict[str, Any]:
    """Return a revision as an input of another in the ledger."""
    return {
        "table": revision.table,
        "date": revision.partition.date.isoformat(),
        "revision": revision.revision,
        "sha256": revision.sha256,
    }
