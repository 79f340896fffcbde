"""Downloads against a real server that misbehaves: what the user is told, what is kept, what the next try asks for."""

import datetime as dt
import hashlib
import random
from collections.abc import Callable
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest

from market_data.domain.errors import (
    BadFile,
    DamagedDownload,
    MarketDataError,
    NotAvailable,
    VendorRefused,
    VendorUnavailable,
)
from market_data.vendor_access.download import Downloads, opened
from market_data.vendor_access.timeouts import Patience
from market_data_tests.fetching import left
from market_data_tests.vendors.binance_archive import BinanceArchive
from market_data_tests.vendors.faults import Fault, body, cut_off, drop_header, reset, stall, status, together

CONTENT = random.Random(7).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NAME = "file.zip"
QUICK = Patience(
    attempts=3,
    first_wait_seconds=0.01,
    longest_wait_seconds=0.01,
    longest_retry_after_seconds=5,
    timeout_seconds=0.4,
)


@pytest.fixture
def archive(binance_archive: BinanceArchive) -> BinanceArchive:
    (binance_archive.root / NAME).write_bytes(CONTENT)
    return binance_archive


def download(
    archive: BinanceArchive,
    workdir: Path,
    patience: Patience = QUICK,
    sha256: Callable[[], str] = lambda: SHA256,
    max_bytes: int = 1 << 20,
) -> bytes:
    with opened(archive.base_url, patience) as downloads:
        downloads.file(f"{archive.base_url}/{NAME}", workdir / NAME, sha256, max_bytes)
    return (workdir / NAME).read_bytes()


def ranges(archive: BinanceArchive) -> list[str | None]:
    return [seen.range for seen in archive.asked(NAME)]


def test_a_file_comes_whole_and_alone(archive: BinanceArchive, workdir: Path) -> None:
    assert download(archive, workdir) == CONTENT
    assert left(workdir) == [NAME]


def test_a_file_that_came_before_is_not_asked_for_again(archive: BinanceArchive, workdir: Path) -> None:
    download(archive, workdir)
    download(archive, workdir)
    assert len(ranges(archive)) == 1


@pytest.mark.parametrize(
    "fault",
    [
        status(500),
        status(503),
        status(408),
        status(429),
        status(418),
        status(429, retry_after="0"),
        status(503, retry_after="Wed, 21 Oct 2015 07:28:00 GMT"),
        status(503, retry_after="soon"),
        reset(),
        stall(),
        cut_off(0),
    ],
)
def test_what_passes_is_tried_again(archive: BinanceArchive, workdir: Path, fault: Fault) -> None:
    archive.fail(NAME, fault, times=2)
    assert download(archive, workdir) == CONTENT
    assert left(workdir) == [NAME]


@pytest.mark.parametrize("fault", [cut_off(100_000), reset(100_000), stall(100_000)])
def test_a_body_that_ends_early_is_gone_on_with_from_there(
    archive: BinanceArchive, workdir: Path, fault: Fault
) -> None:
    archive.fail(NAME, fault)
    assert download(archive, workdir) == CONTENT
    assert ranges(archive) == [None, "bytes=100000-"]
    assert [seen.status for seen in archive.asked(NAME)] == [200, 206]


def test_a_later_process_goes_on_from_what_an_earlier_one_left(archive: BinanceArchive, workdir: Path) -> None:
    archive.fail(NAME, cut_off(100_000))
    with pytest.raises(VendorUnavailable, match="received 100000 bytes, expected 300000"):
        download(archive, workdir, Patience(attempts=1))
    assert left(workdir) == [f"{NAME}.part", f"{NAME}.part.etag"]
    assert (workdir / f"{NAME}.part").read_bytes() == CONTENT[:100_000]
    assert download(archive, workdir) == CONTENT
    assert ranges(archive) == [None, "bytes=100000-"]


def test_a_file_that_was_replaced_meanwhile_is_begun_anew(archive: BinanceArchive, workdir: Path) -> None:
    archive.fail(NAME, cut_off(100_000))
    with pytest.raises(VendorUnavailable):
        download(archive, workdir, Patience(attempts=1))
    new = CONTENT[::-1]
    (archive.root / NAME).write_bytes(new)
    assert download(archive, workdir, sha256=lambda: hashlib.sha256(new).hexdigest()) == new
    assert [seen.status for seen in archive.asked(NAME)] == [200, 200]


def test_without_an_etag_a_body_cut_short_is_begun_anew(archive: BinanceArchive, workdir: Path) -> None:
    archive.fail(NAME, together(drop_header("ETag"), cut_off(100_000)))
    assert download(archive, workdir) == CONTENT
    assert ranges(archive) == [None, None]


def test_a_part_that_is_whole_already_is_only_verified(archive: BinanceArchive, workdir: Path) -> None:
    archive.fail(NAME, cut_off(100_000))
    with pytest.raises(VendorUnavailable):
        download(archive, workdir, Patience(attempts=1))
    (workdir / f"{NAME}.part").write_bytes(CONTENT)
    assert download(archive, workdir) == CONTENT
    assert [seen.status for seen in archive.asked(NAME)] == [200, 416]


def test_a_body_cut_off_without_a_length_is_found_by_its_hash(archive: BinanceArchive, workdir: Path) -> None:
    archive.fail(NAME, cut_off(100_000, announced=False))
    assert download(archive, workdir) == CONTENT
    assert ranges(archive) == [None, None]


def test_a_part_that_was_altered_is_found_by_the_hash_and_begun_anew(archive: BinanceArchive, workdir: Path) -> None:
    archive.fail(NAME, cut_off(100_000))
    with pytest.raises(VendorUnavailable):
        download(archive, workdir, Patience(attempts=1))
    (workdir / f"{NAME}.part").write_bytes(b"x" * 100_000)
    assert download(archive, workdir) == CONTENT
    assert ranges(archive) == [None, "bytes=100000-", None]


def test_a_wrong_hash_twice_is_a_damaged_download_and_nothing_is_kept(archive: BinanceArchive, workdir: Path) -> None:
    archive.fail(NAME, body(b"something else"), times=2)
    with pytest.raises(DamagedDownload, match=f"the vendor says {SHA256}; nothing of it was kept"):
        download(archive, workdir)
    assert left(workdir) == []
    assert download(archive, workdir) == CONTENT


def test_the_hash_is_asked_for_again_before_the_second_try(archive: BinanceArchive, workdir: Path) -> None:
    hashes = iter(["0" * 64, SHA256])
    assert download(archive, workdir, sha256=lambda: next(hashes)) == CONTENT


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (status(500), VendorUnavailable, "500 Internal Server Error (tries: 3; try again later)"),
        (status(429, retry_after="0"), VendorUnavailable, "429 Too Many Requests, Retry-After: 0 (tries: 3"),
        (status(429, retry_after="600"), VendorUnavailable, "Retry-After: 600 (tries: 1"),
        (reset(), VendorUnavailable, "(tries: 3"),
        (stall(), VendorUnavailable, "ReadTimeout"),
        (status(401), VendorRefused, "401 Unauthorized"),
        (status(403), VendorRefused, "403 Forbidden"),
        (status(422), VendorRefused, "422 Unprocessable"),
        (status(451), VendorRefused, "451 Unavailable For Legal Reasons"),
        (status(404), NotAvailable, "404 Not Found"),
        (status(302, location="/file.zip"), VendorUnavailable, "TooManyRedirects"),
    ],
)
def test_what_does_not_pass_is_said_with_its_kind_and_what_was_seen(
    archive: BinanceArchive, workdir: Path, fault: Fault, error: type[MarketDataError], words: str
) -> None:
    archive.fail(NAME, fault, times=1000)
    with pytest.raises(error) as raised:
        download(archive, workdir)
    assert type(raised.value) is error
    assert words in str(raised.value)
    assert f"{archive.base_url}/{NAME}" in str(raised.value)
    assert NAME not in left(workdir)


@pytest.mark.parametrize("code", [401, 403, 404, 422, 451])
def test_a_refusal_is_not_asked_again(archive: BinanceArchive, workdir: Path, code: int) -> None:
    archive.fail(NAME, status(code))
    with pytest.raises(MarketDataError):
        download(archive, workdir)
    assert len(ranges(archive)) == 1


@pytest.mark.parametrize("seconds", [0, -60])
def test_the_vendors_wait_replaces_our_own(archive: BinanceArchive, workdir: Path, seconds: int) -> None:
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
    archive.fail(NAME, status(429, retry_after=format_datetime(moment, usegmt=True)))
    archive.fail(NAME, status(503, retry_after="0"))
    endless = Patience(attempts=3, first_wait_seconds=100_000, longest_wait_seconds=100_000)
    assert download(archive, workdir, endless) == CONTENT


def test_nobody_listens(archive: BinanceArchive, workdir: Path) -> None:
    with BinanceArchive(workdir) as other:
        url = other.base_url
    with opened(url, QUICK) as downloads, pytest.raises(VendorUnavailable, match="ConnectError"):
        downloads.file(f"{url}/{NAME}", workdir / NAME, lambda: SHA256, 1)


def test_a_file_that_is_too_long_is_refused_and_not_kept(archive: BinanceArchive, workdir: Path) -> None:
    with pytest.raises(BadFile, match="longer than the 1000 bytes"):
        download(archive, workdir, max_bytes=1000)
    assert left(workdir) == []


def test_a_text_that_does_not_end_is_not_read_to_its_end(archive: BinanceArchive) -> None:
    with opened(archive.base_url, QUICK) as downloads, pytest.raises(VendorUnavailable, match="endless"):
        downloads.text(f"{archive.base_url}/{NAME}")


def test_a_redirect_on_the_same_protocol_is_followed(archive: BinanceArchive, workdir: Path) -> None:
    (archive.root / "elsewhere").write_bytes(CONTENT)
    archive.fail(NAME, status(302, location="/elsewhere"))
    assert download(archive, workdir) == CONTENT


@pytest.mark.parametrize(
    ("base_url", "target", "followed"),
    [
        ("https://archive", "http://archive/x", False),
        ("https://archive", "https://other/x", True),
        ("http://archive", "https://archive/x", True),
    ],
)
def test_a_redirect_never_leaves_https(base_url: str, target: str, followed: bool) -> None:
    def redirecting(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/x":
            return httpx.Response(200, text="there")
        return httpx.Response(302, headers={"Location": target})

    with opened(base_url, QUICK) as downloads:
        hooks = downloads.http.event_hooks
    http = httpx.Client(transport=httpx.MockTransport(redirecting), follow_redirects=True, event_hooks=hooks)
    with http:
        if followed:
            assert Downloads(http, QUICK).text(f"{base_url}/start") == "there"
        else:
            with pytest.raises(VendorRefused, match="redirects to http://archive/x, which is not secure"):
                Downloads(http, QUICK).text(f"{base_url}/start")


PUBLIC = "http://8.8.8.8"
"""An address that is never asked here: the guard stands before the connection."""
PRIVATE = [
    "127.0.0.1",
    "localhost",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "2130706433",
    "0x7f.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "[fe80::1]",
    "[fd00::1]",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104
    "224.0.0.1",
]


@pytest.mark.parametrize("host", PRIVATE)
def test_a_public_vendor_may_not_redirect_into_a_private_network(host: str) -> None:
    with opened(PUBLIC, QUICK) as downloads, pytest.raises(VendorRefused, match="a private address: not followed"):
        downloads.text(f"http://{host}:1/x")


def test_what_leads_into_a_private_network_is_never_asked(archive: BinanceArchive) -> None:
    with opened(PUBLIC, QUICK) as downloads, pytest.raises(VendorRefused):
        downloads.text(f"{archive.base_url}/{NAME}")
    assert archive.requests == []


def test_a_feed_may_allow_private_redirects(archive: BinanceArchive) -> None:
    (archive.root / "text").write_text("there")
    with opened(PUBLIC, QUICK, allow_private_redirects=True) as downloads:
        assert downloads.text(f"{archive.base_url}/text") == "there"


def test_a_private_mirror_may_redirect_to_a_private_address(archive: BinanceArchive, workdir: Path) -> None:
    with BinanceArchive(archive.root) as other:
        archive.fail(NAME, status(302, location=f"{other.base_url}/{NAME}".replace("127.0.0.1", "localhost")))
        assert download(archive, workdir) == CONTENT
        assert len(other.asked(NAME)) == 1


def test_a_refused_redirect_is_told_without_what_was_signed_into_it() -> None:
    with opened(PUBLIC, QUICK) as downloads, pytest.raises(VendorRefused) as raised:
        downloads.text("http://user:password@10.0.0.1/x?signature=secret")  # pragma: allowlist secret
    assert str(raised.value) == f"{PUBLIC} redirects to http://10.0.0.1/x, a private address: not followed"


def test_a_retry_is_said_in_plain_words_and_not_on_standard_output(
    archive: BinanceArchive,
    workdir: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    archive.fail(NAME, status(503))
    download(archive, workdir)
    assert "503 Service Unavailable; trying again in" in caplog.text
    assert capfd.readouterr().out == ""
