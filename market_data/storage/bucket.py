"""A place in a bucket: one PUT a file, read through a local cache. Locally lie only copies, and files in the making."""

import datetime as dt
import shutil
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from market_data.storage.cache import Cache
from market_data.storage.objects import Objects
from market_data.storage.process_folder import ProcessFolder

_AT_ONCE = 8
_SETTLED = dt.timedelta(days=1)
"""No upload, and no commit after it, takes so long: what is older and unfinished belongs to a process that died."""


class Bucket:
    """Objects, and the local scratch folder beside them, which any process of this machine may share.

    Args:
        url: `s3://bucket/prefix`, `gs://...`, `az://...`.
        scratch: local folder, of this bucket only.
        cache_bytes: how much of what was read or written is kept here; what is in use comes on top.
        endpoint: where the service is, if not where its vendor's client looks for it.
    """

    def __init__(self, url: str, scratch: Path, cache_bytes: int, endpoint: str | None = None) -> None:
        self.objects = Objects(url, endpoint)
        self.scratch = scratch
        self._own = ProcessFolder(scratch / "_staging")
        self._cache = Cache(scratch / "cache", cache_bytes)

    @property
    def folder(self) -> Path:
        """This process's own folder, for files in the making."""
        if not self._own.is_open:
            self._own.take()
            self._own.remove_dead()
            self._own.path.mkdir()
        return self._own.path

    @property
    def pins(self) -> Path:
        """Return where this process's names of files lie, below their keys."""
        return self.folder / "pins"

    def below(self, name: str) -> "BucketFolder":
        """Return the place of the keys below `name`."""
        return BucketFolder(self, name)

    def put(self, staged: Path, key: str, digest: str) -> Path:
        """Upload, and make the staged file the copy in the cache.

        It is moved: a later download that is written to the same path must not be written into the copy.
        """
        self.objects.put_file(staged, key, digest)
        pin = self._pin(key)
        staged.replace(pin)
        self._cache.keep(pin, digest)
        return pin

    def take_back(self, key: str, staged: Path) -> None:
        """Undo a `put` that nobody knows of yet."""
        self._pin(key).replace(staged)
        self.objects.delete(key)

    def local(self, key: str, digest: str) -> Path | None:
        """See `Backend.local`: a name of this process's own, which stays until `release`."""
        pin = self._pin(key)
        if pin.exists() or self._cache.link(digest, pin):
            return pin
        part = pin.with_name(f"{pin.name}.part")
        if self.objects.download(key, part) != digest:
            part.unlink(missing_ok=True)
            return None
        part.replace(pin)
        self._cache.keep(pin, digest)
        return pin

    def release(self) -> None:
        """Let go of the files that `local` and `put` gave."""
        if self._own.is_open:
            shutil.rmtree(self.pins, ignore_errors=True)

    def abort_unfinished(self, now: dt.datetime | None = None) -> int:
        """Abort the uploads of processes that died, a day old or more; how many there were."""
        return self.objects.abort_unfinished(_SETTLED, now)

    def close(self) -> None:
        """Remove this process's folder."""
        if self._own.is_open:
            self._own.close()
            self._cache.trim()

    def _pin(self, key: str) -> Path:
        pin = self.pins / key
        pin.parent.mkdir(parents=True, exist_ok=True)
        return pin


class BucketFolder:
    """The keys of a bucket below one name (`market_data.storage.backend.Backend`)."""

    def __init__(self, bucket: Bucket, name: str) -> None:
        self.bucket = bucket
        self.name = name

    def put(self, staged: Path, key: str, digest: str) -> Path:
        """See `Backend`."""
        return self.bucket.put(staged, self._full(key), digest)

    def write(self, key: str, content: bytes) -> None:
        """See `Backend`."""
        self.bucket.objects.put_bytes(content, self._full(key))

    def read(self, key: str) -> bytes | None:
        """See `Backend`."""
        return self.bucket.objects.get_bytes(self._full(key))

    def size(self, key: str) -> int | None:
        """See `Backend`."""
        facts = self.bucket.objects.facts(self._full(key))
        return None if facts is None else facts[0]

    def digest(self, key: str) -> str | None:
        """Return the SHA-256 that the key's object was uploaded with; None where it is not there, or is another's."""
        facts = self.bucket.objects.facts(self._full(key))
        return None if facts is None else facts[1]

    def every_key(self) -> Iterator[str]:
        """See `Backend`."""
        for key, _ in self.bucket.objects.below(f"{self.name}/"):
            yield key.removeprefix(f"{self.name}/")

    def copy(self, key: str, target: Path) -> str | None:
        """See `Backend`: past the cache."""
        return self.bucket.objects.download(self._full(key), target)

    def local(self, key: str, digest: str) -> Path | None:
        """See `Backend`."""
        return self.bucket.local(self._full(key), digest)

    def bring(self, files: Sequence[tuple[str, str]]) -> list[str]:
        """Make local copies of keys, each with its SHA-256, below `pins`; they stay until they are released.

        Returns the keys that are gone, or have other bytes.
        """
        if not files:
            return []
        self.pins.mkdir(parents=True, exist_ok=True)
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  not where the home is a folder

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = [(key, pool.submit(self.local, key, digest)) for key, digest in files]
            return [key for key, copy in found if copy.result() is None]

    @property
    def pins(self) -> Path:
        """Return where local copies lie, below their keys."""
        return self.bucket.pins / self.name

    def take_back(self, key: str, staged: Path) -> None:
        """Undo a `put` that nobody knows of yet."""
        self.bucket.take_back(self._full(key), staged)

    def delete(self, key: str) -> None:
        """Remove a key, if it is there."""
        self.bucket.objects.delete(self._full(key))

    def settled(self, now: dt.datetime | None = None) -> list[str]:
        """Return the keys that were written a day ago or before."""
        before = (now or self.bucket.objects.now(self._full(f"_clock/{uuid.uuid4().hex}"))) - _SETTLED
        listed = self.bucket.objects.below(f"{self.name}/")
        return [key.removeprefix(f"{self.name}/") for key, written in listed if written < before]

    def path(self, key: str) -> Path:
        """See `Backend`."""
        return self.pins / key

    def workdir(self, key: str) -> Path:
        """See `Backend`."""
        return self.bucket.scratch / self.name / "_staging" / key

    def address(self, key: str) -> str:
        """See `Backend`: its URL."""
        return f"{self.bucket.objects.url}/{self._full(key)}"

    def _full(self, key: str) -> str:
        return f"{self.name}/{key}"
