"""Databento's key and certificate: wanted before anything is asked, and never shown."""

import logging
import os
import traceback
from pathlib import Path

import pytest

from market_data.domain.errors import ConfigurationError, MarketDataError, VendorRefused
from market_data_tests.fetching import at
from market_data_tests.sources.databento_case import key, market, request, source
from market_data_tests.vendors.databento_api import COST, STREAM, DatabentoApi, databento_api, status
from market_data_tests.vendors.faults import Fault, body, cut_off, reset, stall

__all__ = ["databento_api", "key", "market"]


def test_a_key_that_is_not_accepted_is_said_once_and_not_shown(
    market: DatabentoApi, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABENTO_API_KEY", "db-another0key")
    with pytest.raises(VendorRefused, match="the key in DATABENTO_API_KEY is not accepted") as raised:
        source(market).fetch(request(), at(workdir))
    assert "db-another0key" not in "".join(traceback.format_exception(raised.value))
    assert len(market.requests) == 1


@pytest.mark.parametrize("value", [None, "", " ", "two words", "db-key\n", "db-schlüssel"])
def test_without_a_usable_key_nothing_is_asked(
    market: DatabentoApi, workdir: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is None:
        monkeypatch.delenv("DATABENTO_API_KEY")
    else:
        monkeypatch.setenv("DATABENTO_API_KEY", value)
    with pytest.raises(ConfigurationError, match="DATABENTO_API_KEY") as raised:
        source(market).fetch(request(), at(workdir))
    assert not value or value.isspace() or value not in str(raised.value)
    assert market.requests == []


@pytest.mark.parametrize(
    "fault", [None, status(401), status(422), status(500), cut_off(2_000), stall(2_000), body(b"x"), reset()]
)
def test_the_key_never_appears(
    market: DatabentoApi,
    key: str,
    workdir: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    fault: Fault | None,
) -> None:
    vendor = source(market)
    if fault:
        market.fail(STREAM, fault, times=20)
    said: list[str] = []
    with caplog.at_level(logging.DEBUG):
        try:
            vendor.fetch(request(), at(workdir))
        except MarketDataError as error:
            error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next  # this frame holds the key
            said += [repr(error), *traceback.TracebackException.from_exception(error, capture_locals=True).format()]
    said += [caplog.text, *capfd.readouterr(), repr(vendor), repr(vars(vendor)), repr(vars(vendor._opened()))]
    said += [path.read_text(encoding="latin-1") for path in workdir.iterdir()]
    assert not any(key in words for words in said)


def test_a_vendor_that_repeats_the_key_is_not_quoted_with_it(market: DatabentoApi, key: str, workdir: Path) -> None:
    market.fail(COST, status(403, f"{key} may not"))
    with pytest.raises(VendorRefused, match="<key> may not"):
        source(market).fetch(request(), at(workdir))


def test_a_gateway_with_a_certificate_of_an_unknown_authority_is_refused(market: DatabentoApi, workdir: Path) -> None:
    with pytest.raises(VendorRefused, match="ca_file names a private authority"):
        source(market, ca_file=None).fetch(request(), at(workdir))
    assert market.requests == []


def test_a_ca_file_that_is_not_there_is_said(market: DatabentoApi, workdir: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"ca_file of the feed's options: .*none.pem is no file"):
        source(market, ca_file=tmp_path / "none.pem").fetch(request(), at(workdir))


@pytest.mark.parametrize("before", [None, "/somebody/elses.pem"])
def test_a_ca_file_is_trusted_for_the_feeds_own_calls_only(
    market: DatabentoApi, workdir: Path, monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    if before is None:
        monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    else:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", before)
    source(market).fetch(request(), at(workdir))
    assert os.environ.get("REQUESTS_CA_BUNDLE") == before
