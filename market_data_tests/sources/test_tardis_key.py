"""Tardis' key: wanted for most days, shown nowhere, sent to nobody else."""

import logging
from pathlib import Path

import pytest

from market_data.domain.errors import ConfigurationError, VendorRefused
from market_data_tests.fetching import at, left
from market_data_tests.sources.binance_case import frame
from market_data_tests.sources.tardis_case import (
    NAME,
    PAID_DAY,
    PATH,
    ROWS,
    fetched,
    key,
    no_key,
    request,
    source,
    trades,
)
from market_data_tests.vendors.faults import Answer
from market_data_tests.vendors.tardis_archive import KEY, TardisArchive, tardis_archive

__all__ = ["key", "no_key", "tardis_archive", "trades"]


def test_the_first_day_of_a_month_needs_no_key(trades: TardisArchive, workdir: Path) -> None:
    vendor = source(trades.base_url, workdir.parent / "shared")
    (file,) = vendor.fetch(request(), at(workdir))
    assert (file.name, file.origin, left(workdir)) == (NAME, f"{trades.base_url}/{PATH}", [NAME])
    (seen,) = trades.requests
    assert (seen.target, seen.headers.get("authorization"), seen.headers["accept-encoding"]) == (
        f"/{PATH}",
        None,
        "gzip",
    )
    assert file.path.read_bytes() == (trades.root / PATH).read_bytes()


def test_another_day_without_a_key_is_said_before_anything_is_asked(trades: TardisArchive, workdir: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"TARDIS_API_KEY is not set .* only the first day of each month"):
        fetched(trades, workdir, day=PAID_DAY)
    assert trades.requests == []


@pytest.mark.usefixtures("key")
def test_another_day_comes_with_the_key(trades: TardisArchive, workdir: Path) -> None:
    assert frame(fetched(trades, workdir, day=PAID_DAY)).height == ROWS
    assert [seen.headers["authorization"] for seen in trades.requests] == [f"Bearer {KEY}"]


@pytest.mark.parametrize("wrong", ["TD.wrong\n", "with blank", "schlüssel"])
def test_a_key_that_cannot_be_one_is_said_without_it(
    trades: TardisArchive, workdir: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setenv("TARDIS_API_KEY", wrong)
    with pytest.raises(ConfigurationError, match="TARDIS_API_KEY") as raised:
        fetched(trades, workdir)
    assert wrong.strip() not in str(raised.value)


def test_the_key_is_in_no_error_log_or_origin(
    trades: TardisArchive, workdir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TARDIS_API_KEY", "TD.secret-but-wrong")
    caplog.set_level(logging.DEBUG)
    with pytest.raises(VendorRefused, match="401 Unauthorized; check that TARDIS_API_KEY is right") as raised:
        fetched(trades, workdir, day=PAID_DAY)
    told = f"{raised.value} {raised.value!r} {raised.value.__cause__} {caplog.text}"
    assert "secret" not in told
    assert len(trades.requests) == 1


@pytest.mark.usefixtures("key")
def test_the_key_goes_to_no_other_host(trades: TardisArchive, workdir: Path, tmp_path: Path) -> None:
    with TardisArchive(trades.root) as mirror:

        def elsewhere(answer: Answer) -> None:
            answer.status, answer.headers = 302, {"Location": f"{mirror.base_url}/{PATH}"}

        trades.fail(PATH, elsewhere)
        assert frame(fetched(trades, workdir)).height == ROWS
        (seen,) = mirror.requests
        assert "authorization" not in seen.headers
