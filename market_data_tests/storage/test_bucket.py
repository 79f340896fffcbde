"""A bucket: whole objects or none, copies that are verified, uploads of the dead that are swept, no secret told."""

import datetime as dt
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from market_data.domain.errors import ConfigurationError, StorageTrouble
from market_data.storage.bucket import Bucket
from market_data.storage.files import sha256
from market_data_tests.vendors.object_store import (
    KEY_ID,
    SECRET,
    Answer,
    Environ,
    ObjectStore,
    holding_parts,
    object_store,
    part_number,
)

__all__ = ["object_store"]
LARGE = 3 * 8 * 2**20 + 5
"""Four parts."""
# moto says of every upload that it began then.
BEGAN = dt.datetime(2010, 11, 10, 20, 48, 33, tzinfo=dt.UTC)

VICTIM = """
import sys
from pathlib import Path
from market_data.storage.bucket import Bucket
bucket = Bucket(sys.argv[1], Path(sys.argv[2]), 10**9, sys.argv[3])
print("ready", flush=True)
bucket.put(Path(sys.argv[4]), "warehouse/large", "0" * 64)
print("done", flush=True)
"""


@pytest.fixture
def bucket(object_store: ObjectStore, tmp_path: Path) -> Iterator[Bucket]:
    opened = Bucket(object_store.url, tmp_path / "scratch", 10**9, object_store.endpoint)
    yield opened
    opened.close()


def written(path: Path, content: bytes) -> tuple[Path, str]:
    path.write_bytes(content)
    return path, sha256(path)


def copies(bucket: Bucket) -> list[Path]:
    return [path for path in bucket.scratch.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_file_lies_below_the_prefix_and_is_read_again_without_asking(
    bucket: Bucket, object_store: ObjectStore, tmp_path: Path
) -> None:
    place = bucket.below("landing")
    file, digest = written(tmp_path / "a.zip", b"content")
    assert place.put(file, "feed/day/a.zip", digest).read_bytes() == b"content"
    assert object_store.listed() == ["a/home/landing/feed/day/a.zip"]
    asked = len(object_store.asked)
    found = place.local("feed/day/a.zip", digest)
    assert found is not None
    assert (found.name, found.read_bytes()) == ("a.zip", b"content")
    assert len(object_store.asked) == asked
    assert (place.size("feed/day/a.zip"), place.size("feed/day/b.zip")) == (7, None)


def test_what_another_machine_wrote_is_fetched_and_verified(
    bucket: Bucket, object_store: ObjectStore, tmp_path: Path
) -> None:
    file, digest = written(tmp_path / "large", os.urandom(LARGE))
    bucket.put(file, "warehouse/large", digest)
    other = Bucket(object_store.url, tmp_path / "another machine", 10**9, object_store.endpoint)
    found = other.local("warehouse/large", digest)
    assert found is not None
    assert sha256(found) == digest
    assert other.local("warehouse/large", "0" * 64) == found  # what is pinned stays what it was
    other.release()
    assert other.local("warehouse/large", "0" * 64) is None
    assert other.local("warehouse/none", "1" * 64) is None
    other.close()


def test_a_copy_that_was_damaged_is_fetched_again(bucket: Bucket, tmp_path: Path) -> None:
    file, digest = written(tmp_path / "a", b"content")
    bucket.put(file, "warehouse/a", digest)
    bucket.release()
    for path in copies(bucket):
        path.write_bytes(b"c0ntent")
    found = bucket.local("warehouse/a", digest)
    assert found is not None
    assert found.read_bytes() == b"content"


def test_the_cache_keeps_to_its_limit_and_what_is_in_use_stays(object_store: ObjectStore, tmp_path: Path) -> None:
    bucket = Bucket(object_store.url, tmp_path / "scratch", 2_500, object_store.endpoint)
    digests = {}
    for name in "abcd":
        file, digests[name] = written(tmp_path / name, name.encode() * 1_000)
        pin = bucket.put(file, f"warehouse/{name}", digests[name])
        assert pin.stat().st_size == 1_000
    cached = {path.name for path in (bucket.scratch / "cache").rglob("*") if path.is_file()}
    assert cached == {digests["c"], digests["d"]}
    assert [(bucket.pins / "warehouse" / name).read_bytes()[:1] for name in "abcd"] == [b"a", b"b", b"c", b"d"]
    bucket.release()
    asked = len(object_store.asked)
    assert bucket.local("warehouse/d", digests["d"]) is not None
    assert len(object_store.asked) == asked
    assert bucket.local("warehouse/a", digests["a"]) is not None
    assert len(object_store.asked) > asked
    bucket.close()


def test_a_file_that_is_gone_is_named(bucket: Bucket) -> None:
    assert bucket.below("warehouse").bring([("gone", "0" * 64)]) == ["gone"]


def test_an_upload_that_fails_leaves_no_object_and_no_parts(
    bucket: Bucket, object_store: ObjectStore, tmp_path: Path
) -> None:
    def gate(environ: Environ) -> Answer | None:
        return ("403 Forbidden", b"<Error><Code>AccessDenied</Code></Error>") if part_number(environ) == 3 else None

    object_store.gate = gate
    file, digest = written(tmp_path / "large", os.urandom(LARGE))
    with pytest.raises(ConfigurationError, match="could not write warehouse/large to it: AccessDenied"):
        bucket.put(file, "warehouse/large", digest)
    assert (object_store.listed(), object_store.unfinished()) == ([], [])


def test_a_process_killed_in_mid_upload_leaves_no_object_and_its_parts_are_swept(
    bucket: Bucket, object_store: ObjectStore, tmp_path: Path
) -> None:
    object_store.gate = holding_parts(object_store, after=2)
    file, _ = written(tmp_path / "large", os.urandom(LARGE))
    words = [object_store.url, str(tmp_path / "victim"), object_store.endpoint, str(file)]
    with subprocess.Popen([sys.executable, "-c", VICTIM, *words], stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "ready\n"
        deadline = time.monotonic() + 60
        while parts_of(object_store) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        victim.kill()
        assert victim.stdout.read() == ""
    assert object_store.listed() == []
    assert object_store.unfinished() == ["a/home/warehouse/large"]
    assert bucket.abort_unfinished(now=BEGAN + dt.timedelta(hours=23)) == 0
    assert bucket.abort_unfinished(now=BEGAN + dt.timedelta(hours=25)) == 1
    assert (object_store.listed(), object_store.unfinished()) == ([], [])


def parts_of(store: ObjectStore) -> int:
    """How many parts of its one unfinished upload the service has."""
    for each in store.client.list_multipart_uploads(Bucket=store.bucket).get("Uploads", ()):
        listed = store.client.list_parts(Bucket=store.bucket, Key=each["Key"], UploadId=each["UploadId"])
        return len(listed.get("Parts", ()))
    return 0


def test_uploads_of_a_neighbour_in_the_same_bucket_are_left_alone(bucket: Bucket, object_store: ObjectStore) -> None:
    for key in ("a/homely/x", "other"):
        object_store.client.create_multipart_upload(Bucket=object_store.bucket, Key=key)
    assert bucket.abort_unfinished() == 0
    assert len(object_store.unfinished()) == 2


def test_a_dead_processs_folder_is_removed_by_the_next_one(object_store: ObjectStore, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    code = VICTIM.replace(
        'bucket.put(Path(sys.argv[4]), "warehouse/large", "0" * 64)', "bucket.folder; import os, signal"
    )
    code = code.replace('print("done", flush=True)', "os.kill(os.getpid(), signal.SIGKILL)")
    subprocess.run([sys.executable, "-c", code, object_store.url, str(scratch), object_store.endpoint], check=False)
    (dead,) = (path for path in (scratch / "_staging").iterdir() if path.is_dir())
    bucket = Bucket(object_store.url, scratch, 10**9, object_store.endpoint)
    assert bucket.folder.exists()
    assert not dead.exists()
    bucket.close()
    assert list((scratch / "_staging").iterdir()) == []


REFUSAL = f"""<Error><Code>InvalidAccessKeyId</Code><Message>There is no such key in our records.</Message>
<AWSAccessKeyId>{KEY_ID}</AWSAccessKeyId><StringToSign>AWS4 {SECRET}</StringToSign></Error>""".encode()


@pytest.mark.parametrize(
    ("status", "kind"), [("403 Forbidden", ConfigurationError), ("400 Bad Request", StorageTrouble)]
)
def test_a_refusal_is_told_without_the_credentials(
    bucket: Bucket, object_store: ObjectStore, tmp_path: Path, status: str, kind: type[Exception]
) -> None:
    object_store.gate = lambda _: (status, REFUSAL)
    file, digest = written(tmp_path / "a", b"content")
    for act in (
        lambda: bucket.put(file, "warehouse/a", digest),
        lambda: bucket.local("warehouse/b", digest),
        lambda: bucket.below("landing").read("manifest.json"),
        lambda: bucket.below("landing").write("manifest.json", b"{}"),
        lambda: bucket.below("warehouse").settled(),
        bucket.abort_unfinished,
    ):
        with pytest.raises((ConfigurationError, StorageTrouble)) as told:
            act()
        words = "".join(traceback.format_exception(told.value))
        assert KEY_ID not in words
        assert SECRET not in words
    with pytest.raises(kind, match="InvalidAccessKeyId: There is no such key"):
        bucket.put(file, "warehouse/a", digest)
    assert SECRET not in repr(bucket.objects.__dict__)


def test_a_bucket_that_is_not_there_is_told_before_anything_is_fetched(
    object_store: ObjectStore, tmp_path: Path
) -> None:
    bucket = Bucket("s3://no-such-bucket/home", tmp_path / "scratch", 10**9, object_store.endpoint)
    with pytest.raises(ConfigurationError, match=r"s3://no-such-bucket/home.*NoSuchBucket"):
        bucket.below("landing").read("manifest.json")


def test_without_credentials_it_is_said_where_they_are_looked_for(object_store: ObjectStore, tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    clean |= {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path)}
    command = [sys.executable, "-c", VICTIM, object_store.url, str(tmp_path), object_store.endpoint]
    done = subprocess.run(command, check=False, env=clean, capture_output=True, text=True)
    assert done.returncode == 1
    assert "ConfigurationError: s3://" in done.stderr
    assert "set AWS_ACCESS_KEY_ID" in done.stderr


def test_credentials_of_a_profile_are_found(object_store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    content = f"[desk]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n"
    (tmp_path / ".aws" / "credentials").write_text(content, encoding="utf-8")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    clean |= {"HOME": str(tmp_path), "AWS_PROFILE": "desk", "AWS_DEFAULT_REGION": "us-east-1"}
    file, _ = written(tmp_path / "small", b"x")
    command = [sys.executable, "-c", VICTIM, object_store.url, str(tmp_path / "s"), object_store.endpoint, str(file)]
    done = subprocess.run(command, check=False, env=clean, capture_output=True, text=True)
    assert done.stdout == "ready\ndone\n", done.stderr
