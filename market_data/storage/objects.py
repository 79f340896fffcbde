"""The objects of a bucket below a prefix, through obstore. What they are, and where copies lie, is others' business."""

import datetime as dt
import hashlib
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from market_data.domain.errors import ConfigurationError, MarketDataError, StorageTrouble
from market_data.storage.multipart_uploads import abort_unfinished

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_PART_BYTES = 8 * 2**20
_PARTS_AT_ONCE = 4
"""Of an upload: 32 MiB of it are in memory, and 10,000 parts, the most that S3 takes, are 80 GiB."""
_RETRIES = {"max_retries": 5, "retry_timeout": dt.timedelta(seconds=60)}
_PATIENCE = {
    "connect_timeout": dt.timedelta(seconds=10),
    "read_timeout": dt.timedelta(seconds=60),
    # Of a whole file, not of a moment without a byte.
    "timeout": dt.timedelta(hours=1),
}
_ENDPOINT_KEYS = {"s3": "endpoint", "gs": "base_url", "az": "endpoint"}
_DIGEST = "sha256"
_OURS_TO_MEND = {
    "FileNotFoundError",
    "PermissionDeniedError",
    "UnauthenticatedError",
    "ProfileNotFound",
    "PartialCredentialsError",
}
"""Errors of the clients, by name, that no second try mends; the first is what a write to no bucket gets."""
_NO_BUCKET = ("<Code>NoSuchBucket</Code>", "<Code>ContainerNotFound</Code>")
"""Said with the same status as of an object that is not there."""


class Objects:
    """Objects by key below `url` (`s3://bucket/prefix`, `gs://...`, `az://...`).

    Credentials are found as the vendor's own tools find them. What goes wrong is told without the answer's body, in
    which a vendor may repeat them.

    Raises:
        ConfigurationError: no credentials are found; later, that the bucket refuses them or is not there.
    """

    def __init__(self, url: str, endpoint: str | None = None) -> None:
        self.url = url
        self._endpoint = endpoint
        with self._told("open"):
            self._store = _store(url, endpoint)

    def put_file(self, path: Path, key: str, digest: str) -> None:
        """Upload a file, in parts if it is large; before all of it has arrived there is no object."""
        import obstore  # noqa: PLC0415

        with self._told(f"write {key} to"):
            obstore.put(
                self._store,
                key,
                path,
                attributes={_DIGEST: digest},
                chunk_size=_PART_BYTES,
                max_concurrency=_PARTS_AT_ONCE,
            )

    def put_bytes(self, content: bytes, key: str) -> None:
        """Upload a few bytes."""
        import obstore  # noqa: PLC0415

        with self._told(f"write {key} to"):
            obstore.put(self._store, key, content, use_multipart=False)

    def get_bytes(self, key: str) -> bytes | None:
        """Return the bytes of a small object; None where there is none."""
        import obstore  # noqa: PLC0415

        with self._told(f"read {key} of"):
            try:
                return bytes(obstore.get(self._store, key).bytes())
            except FileNotFoundError as error:
                if any(code in str(error) for code in _NO_BUCKET):
                    raise
                return None

    def download(self, key: str, target: Path) -> str | None:
        """Write an object to a file; the SHA-256 of what came, None where there is no such object."""
        import obstore  # noqa: PLC0415

        digest = hashlib.sha256()
        with self._told(f"read {key} of"):
            try:
                answer = obstore.get(self._store, key)
            except FileNotFoundError:
                return None
            with target.open("wb") as file:
                for chunk in answer.stream(min_chunk_size=2**20):
                    digest.update(chunk)
                    file.write(chunk)
        return digest.hexdigest()

    def facts(self, key: str) -> tuple[int, str | None] | None:
        """Return an object's size in bytes, and the SHA-256 it was uploaded with; None where there is none."""
        import obstore  # noqa: PLC0415

        with self._told(f"look at {key} of"):
            try:
                answer = obstore.get(self._store, key, options={"head": True})
            except FileNotFoundError:
                return None
            return answer.meta["size"], answer.attributes.get(_DIGEST)

    def delete(self, key: str) -> None:
        """Remove an object, if it is there."""
        import obstore  # noqa: PLC0415

        with self._told(f"remove {key} of"):
            obstore.delete(self._store, key)

    def below(self, prefix: str) -> Iterator[tuple[str, dt.datetime]]:
        """Yield the keys below a prefix, and when each was written, UTC."""
        import obstore  # noqa: PLC0415

        with self._told("list"):
            for batch in obstore.list(self._store, prefix):
                for each in batch:
                    yield each["path"], each["last_modified"]

    def now(self, key: str) -> dt.datetime:
        """Return the time by the service's clock, as objects' times are: that of one written at `key`, and removed.

        This machine's clock, where it is wrong by a day, would call old what is being made.
        """
        import obstore  # noqa: PLC0415

        self.put_bytes(b"", key)
        with self._told(f"look at {key} of"):
            written = obstore.head(self._store, key)["last_modified"]
        self.delete(key)
        return written

    def abort_unfinished(self, age: dt.timedelta, now: dt.datetime | None = None) -> int:
        """Abort the uploads that began so long ago or longer and did not end; how many there were."""
        with self._told("clean"):
            return abort_unfinished(self.url, self._endpoint, age, now)

    @contextmanager
    def _told(self, what: str) -> Generator[None]:
        """Give what the client raises, as one of this project's errors, without the client's own words as its cause."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
        from obstore.exceptions import BaseError  # noqa: PLC0415

        problem: MarketDataError | None = None
        try:
            yield
        except (BaseError, FileNotFoundError, BotoCoreError, ClientError) as error:
            problem = _problem(error, f"{self.url}: could not {what} it")
        if problem is not None:
            raise problem from None


def _store(url: str, endpoint: str | None) -> "ObjectStore":
    from obstore.store import from_url  # noqa: PLC0415

    scheme = urlsplit(url).scheme
    options: dict[str, Any] = {"client_options": {**_PATIENCE}, "retry_config": {**_RETRIES}}
    if endpoint is not None:
        options[_ENDPOINT_KEYS[scheme]] = endpoint
        options["client_options"]["allow_http"] = endpoint.startswith("http://")
    if scheme == "s3":
        options["credential_provider"] = _amazon_credentials(url)
    return from_url(url, **options)


def _amazon_credentials(url: str) -> Any:
    """AWS's whole chain: variables, profiles, single sign-on, roles of containers and machines."""
    from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415

    try:
        return Boto3CredentialProvider()
    except ValueError:
        raise ConfigurationError(
            f"{url}: no AWS credentials are found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, "
            "or give the machine a role"
        ) from None


def _problem(error: Exception, what: str) -> MarketDataError:
    """In words that hold no credential: of an answer's body only the code and the message."""
    text = str(error)
    said = [
        found[1] for name in ("Code", "Message") if (found := re.search(rf"<{name}>([^<]{{1,300}})</{name}>", text))
    ]
    status = re.search(r"status code: (\d{3})", text)
    words = ": ".join(said) or (f"status {status[1]}" if status else f"no proper answer ({type(error).__name__})")
    if type(error).__name__ in _OURS_TO_MEND:
        return ConfigurationError(f"{what}: {words}")
    return StorageTrouble(f"{what}: {words}")
