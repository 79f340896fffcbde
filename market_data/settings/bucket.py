"""A home on a bucket, and the local folder beside it. Nothing is opened here."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from market_data.domain.errors import ConfigurationError
from market_data.settings.environment import Environment

_URL = re.compile(r"(s3|gs|az)://[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9_.=-]+)*", re.ASCII)
_ENDPOINT = re.compile(r"https?://[^/@?#\s]+(/[^@?#\s]*)?", re.ASCII)
_ALMOST = re.compile(r"(s3|gs|az):/")
_LEDGER = "MARKET_DATA_LEDGER_URL"


@dataclass(frozen=True, slots=True)
class BucketHome:
    """Where the bucket is.

    Attributes:
        url: without a slash at its end.
        cache_bytes: how much is kept of it in the scratch folder.
    """

    url: str
    endpoint: str | None
    cache_bytes: int

    @property
    def folder_name(self) -> str:
        """Return a name that no other bucket's scratch folder has, and that people recognize."""
        digest = hashlib.sha256(f"{self.url} {self.endpoint}".encode()).hexdigest()[:8]
        return f"{self.url.partition('://')[2].replace('/', '-').replace('=', '-')[:40]}-{digest}"


def bucket_home(environment: Environment) -> BucketHome | None:
    """Return the bucket that the environment names as the home; None where that is a folder.

    Raises:
        ConfigurationError: it is no bucket's URL, or no ledger is named beside it.
    """
    text = str(environment.home)
    if "://" not in text and not _ALMOST.match(text):
        return None
    url = text.rstrip("/")
    if not _URL.fullmatch(url) or ".." in url.split("/"):
        shown = re.sub(r"//[^/]*@", "//...@", url)
        raise ConfigurationError(
            f"MARKET_DATA_HOME is {shown!r}; expected a folder, or s3://bucket/prefix, gs://bucket/prefix or "
            "az://container/prefix (credentials are no part of it)"
        )
    endpoint = environment.bucket_endpoint
    if endpoint is not None and not _ENDPOINT.fullmatch(endpoint):
        raise ConfigurationError("MARKET_DATA_BUCKET_ENDPOINT: expected http(s)://host:port, without credentials")
    if not (environment.ledger_url or environment.postgres_url):
        raise ConfigurationError(
            f"MARKET_DATA_HOME is {url}, and the ledger is a database, which cannot lie on a bucket: name one in "
            "MARKET_DATA_POSTGRES_URL, such as postgresql://user:password@host/database, or for a single machine in "
            f"{_LEDGER}, such as sqlite:////var/lib/market-data/ledger.db"
        )
    return BucketHome(url=url, endpoint=endpoint, cache_bytes=int(environment.cache_gb * 1e9))


def scratch_folder(environment: Environment, bucket: BucketHome) -> Path:
    """Return the local folder of a bucket's home."""
    above = environment.scratch or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "market-data")
    return above.absolute() / bucket.folder_name
