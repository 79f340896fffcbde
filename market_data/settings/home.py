"""Where landing, warehouse and ledger lie: all that a command needs that asks no feed. Nothing is opened here."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from market_data.domain.errors import ConfigurationError
from market_data.settings.bucket import BucketHome, bucket_home, scratch_folder
from market_data.settings.environment import Environment, Secret


class Concealed(Protocol):
    """A secret, ours or pydantic's."""

    def get_secret_value(self) -> str:
        """Return the text."""
        ...


class Places:
    """What follows from the home. Settings have it, and so has a `Home` without them."""

    if TYPE_CHECKING:  # a model would take them for its own fields
        home: Path
        bucket: BucketHome | None
        ledger_url: Any  # ours, or pydantic's
        postgres_url: Any

    @property
    def place(self) -> str:
        """Return the home as `MARKET_DATA_HOME` names it."""
        return self.bucket.url if self.bucket is not None else str(self.home)

    @property
    def is_made(self) -> bool:
        """Return whether the home exists; of a bucket that shows when it is used."""
        return self.bucket is not None or self.home.exists()

    @property
    def database(self) -> Concealed:
        """Return the URL of the ledger's database; it may hold a password."""
        return self.ledger_url or self.postgres_url or Secret(f"sqlite:///{self.ledger}")

    @property
    def landing(self) -> Path:
        """Return the root of the vendors' bytes."""
        return self.home / "landing"

    @property
    def warehouse(self) -> Path:
        """Return the root of the tables."""
        return self.home / "warehouse"

    @property
    def vendors(self) -> Path:
        """Return the root of what processes share about vendors: their limits, and which of them is down."""
        return self.home / "vendors"

    @property
    def ledger(self) -> Path:
        """Return the SQLite file of the ledger, where no other database is named."""
        return self.home / "ledger.db"


@dataclass(frozen=True)
class Home(Places):
    """The home that an environment names.

    Attributes:
        home: the local folder; for a home on a bucket its scratch folder.
        bucket: where landing and warehouse lie, if not in `home`.
        postgres_url: the database of Dagster's storage and the ledger, if they are no files.
        ledger_url: where the ledger is, if neither there nor in `home`.
    """

    home: Path
    bucket: BucketHome | None
    postgres_url: Secret | None
    ledger_url: Secret | None


def home_of(environment: Environment) -> Home:
    """Return the home that the environment names.

    Raises:
        ConfigurationError: it is no folder and no bucket's URL, or one without a ledger beside it; or its path has a
            `?`, after which a URL has options: two such homes had one ledger.
    """
    bucket = bucket_home(environment)
    folder = scratch_folder(environment, bucket) if bucket else Path(environment.home).absolute()
    if "?" in str(folder):
        raise ConfigurationError(f"the home {folder} has a `?` in its path; give it another name")
    return Home(folder, bucket, environment.postgres_url, environment.ledger_url)
