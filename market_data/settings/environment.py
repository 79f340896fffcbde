"""The environment variables of the platform itself. A source's secrets are read by that source, when it fetches."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from dotenv import dotenv_values
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from market_data.domain.errors import ConfigurationError

_POSTGRES = re.compile(r"postgresql(\+psycopg2)?://[^\s/?]*/[^\s/?]+(\?\S*)?", re.ASCII)
PARTITIONS_PER_FEED = 100_000
PACKAGED_FEEDS = Path(__file__).parent.parent / "config" / "feeds.yaml"


class Environment(BaseSettings):
    """`MARKET_DATA_*` from the environment or a `.env` file in the working folder."""

    model_config = SettingsConfigDict(
        env_prefix="MARKET_DATA_",
        env_file=".env",
        env_ignore_empty=True,  # compose files set what they leave open
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,  # for the reference
    )

    home: Path | str = Path("data")
    """Root of landing, warehouse and ledger (`MARKET_DATA_HOME`): a folder, or `s3://bucket/prefix`,
    `gs://bucket/prefix`, `az://container/prefix`."""
    config: Path | None = None
    """The feeds file (`MARKET_DATA_CONFIG`); without it `./feeds.yaml`, else the one that comes with the package."""

    postgres_url: SecretStr | None = None
    """The PostgreSQL database of Dagster's runs, events and schedules and of the ledger:
    `postgresql://user:password@host/database`. Without it they are SQLite files, which is right for one machine."""

    ledger_url: SecretStr | None = None
    """The ledger's database, if it is another than that: a URL such as the one above, or
    `sqlite:////var/lib/market-data/ledger.db`. Without either it is `ledger.db` in the home, which then must be a
    folder."""

    new_ledger_url: SecretStr | None = None
    """Where `market-data ledger copy` copies the ledger; it asks for it where this is absent."""

    scratch: Path | None = None
    """For a home on a bucket: the local folder of downloads, files in the making, cache and logs. Without it
    `market-data` in `$XDG_CACHE_HOME` or `~/.cache`."""

    cache_gb: float = Field(default=10, ge=0, allow_inf_nan=False)
    """For a home on a bucket: how much of what was read or written is kept in the scratch folder, 10^9 bytes."""

    bucket_endpoint: str | None = None
    """Where the object store is, such as `http://127.0.0.1:9000`; without it where its vendor's tools look for it."""

    progress_file: Path | None = None
    """Where a run writes a JSON line a step, for programs that follow it; nowhere by default."""
    watch_seconds: int = 60
    """How often the sensor looks that tells what is late, wrong, failed or stalled."""
    repair_seconds: int = 300
    """How often the sensor looks that has partitions made again."""

    partitions_per_feed: int = Field(default=PARTITIONS_PER_FEED, ge=1)
    """How many partitions, days by symbols, a feed may have; one of more is refused at load. What more costs:
    [sizing](../sizing.md)."""

    log_format: Literal["text", "json"] = "text"
    """How the project's log lines look; `json` makes each an object with time, level, logger, message, run, feed,
    table, symbol, day and stage, as far as they are known."""

    @field_validator("postgres_url")
    @classmethod
    def _is_postgres(cls, url: SecretStr | None) -> SecretStr | None:
        """An empty one is none: so it comes from a file of secrets that is not used."""
        if not url:
            return None
        if not _POSTGRES.fullmatch(url.get_secret_value()):
            raise ConfigurationError(
                "MARKET_DATA_POSTGRES_URL: expected postgresql://user:password@host:5432/database, with what is no "
                "letter or digit of the password as %.. (its value is not shown here: it may hold one)"
            )
        return url

    @property
    def config_path(self) -> Path:
        """The feeds file that counts."""
        if self.config is not None:
            return self.config
        own = Path("feeds.yaml")
        return own if own.exists() else PACKAGED_FEEDS


CHANNEL_PREFIX = "MARKET_DATA_ALERTS_"


def alert_channels() -> Mapping[str, SecretStr]:
    """The addresses of the alerts' channels by name: `MARKET_DATA_ALERTS_OPS` is that of `ops`.

    From the environment or a `.env` file in the working folder, as `Environment`; read anew at each call, so that no
    model keeps a secret.
    """
    variables = {**dotenv_values(".env"), **os.environ}
    return {
        name.removeprefix(CHANNEL_PREFIX).lower(): SecretStr(value)
        for name, value in sorted(variables.items())
        if name.startswith(CHANNEL_PREFIX) and value
    }
