"""What a `databento` feed may say, and that every exception of the client has its place in the tree of errors."""

import errno
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
import requests
from databento.common import error as vendors
from pydantic import ValidationError

from market_data.domain.errors import (
    BadFile,
    ConfigurationError,
    DamagedDownload,
    MarketDataError,
    NotAvailable,
    StorageTrouble,
    VendorRefused,
    VendorUnavailable,
    is_transient,
)
from market_data.sources.databento import SOURCE, Databento
from market_data.sources.databento._errors import told
from market_data.sources.databento.options import DatabentoOptions, SchemaName
from market_data.sources.databento.schemas import TABLE_OF
from market_data_tests.sources.databento_case import DAY, REAL, SYMBOL, real_data, request, source
from market_data_tests.vendors import dbn_files as files


def test_the_schemas_of_the_options_are_those_that_have_a_table() -> None:
    assert set(get_args(SchemaName)) == set(TABLE_OF)
    assert set(SOURCE.tables) == set(TABLE_OF.values())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dataset": "glbx"}, "dataset"),
        ({"schemas": []}, "schemas"),
        ({"schemas": ["mbo"]}, "schemas"),
        ({"schemas": ["trades", "trades"]}, "must name each schema once"),
        ({"schemas": ["tbbo", "mbp-1"]}, "must name one of tbbo, mbp-1"),
        ({"stype_in": "smart"}, "stype_in"),
        ({"gateway": "http://127.0.0.1"}, "begins with https://"),
        ({"gateway": "https://key@127.0.0.1"}, "no user, password"),
        ({"batch_above_bytes": -1}, "batch_above_bytes"),
        ({"key": "db-1"}, "key"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        DatabentoOptions.model_validate({"dataset": "GLBX.MDP3", **options})


@pytest.mark.parametrize(
    ("stype_in", "good", "bad"),
    [
        (
            "raw_symbol",
            ["ESH4", "ES.c.0", "BRK.B", "SPX   240119C04700000"],
            ["", " ", "ESH4,ESM4", "all_symbols", "E\n"],
        ),
        ("continuous", ["ES.c.0", "CL.v.12"], ["ES", "ES.x.0", "ES.c.0,CL.c.0"]),
        ("parent", ["ES.FUT", "ES.OPT"], ["ES", "ES.c.0", "ES.FUT,CL.FUT"]),
        ("instrument_id", ["17077"], ["ESH4", "-1", "1,2"]),
    ],
)
def test_a_symbol_is_one_symbol_of_the_feeds_type(stype_in: str, good: list[str], bad: list[str]) -> None:
    options = DatabentoOptions.model_validate({"dataset": "GLBX.MDP3", "stype_in": stype_in})
    for symbol in good:
        Databento(options, {"X": symbol}, Path("unused"))
    for symbol in bad:
        with pytest.raises(ConfigurationError, match=f"is no symbol of the type {stype_in}"):
            Databento(options, {"X": symbol}, Path("unused"))


def _broken(cause: Exception) -> Exception:
    """As the client raises it when a stream breaks off."""
    error = vendors.BentoError(f"Error streaming response: {cause}")
    error.__context__, error.__suppress_context__ = cause, True
    return error


@pytest.mark.parametrize(
    ("raised", "ours"),
    [
        *((vendors.BentoClientError(code), VendorRefused) for code in (400, 401, 402, 403, 409, 422)),
        (vendors.BentoClientError(404), NotAvailable),
        *((vendors.BentoClientError(code), VendorUnavailable) for code in (408, 429)),
        *((vendors.BentoServerError(code), VendorUnavailable) for code in (500, 502, 503, 504)),
        (vendors.BentoHttpError(500), VendorUnavailable),
        (vendors.BentoError("Could not determine compression format"), DamagedDownload),
        (_broken(requests.ConnectionError("Read timed out")), DamagedDownload),
        (_broken(ConnectionResetError()), DamagedDownload),
        (_broken(OSError(errno.ENOSPC, "No space left on device")), StorageTrouble),
        (requests.ConnectionError("refused"), VendorUnavailable),
        (requests.ReadTimeout("slow"), VendorUnavailable),
        (requests.exceptions.SSLError("EOF occurred"), VendorUnavailable),
        (requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED]"), VendorRefused),
        (requests.JSONDecodeError("no", "", 0), VendorUnavailable),
        (PermissionError(errno.EACCES, "Permission denied"), StorageTrouble),
    ],
)
def test_every_exception_of_the_client_has_its_place(raised: Exception, ours: type[MarketDataError]) -> None:
    error = told(raised, "what was asked for", str)
    assert isinstance(error, ours)
    assert is_transient(error) == is_transient(ours())
    assert type(error).__name__ in ("Busy", ours.__name__)


def test_the_client_has_no_errors_that_we_do_not_know() -> None:
    kinds = {kind for kind in vars(vendors).values() if isinstance(kind, type) and issubclass(kind, Exception)}
    errors = {kind.__name__ for kind in kinds if not issubclass(kind, Warning)}
    assert errors == {"BentoError", "BentoHttpError", "BentoClientError", "BentoServerError"}


def test_configuration_does_not_wait_for_the_client() -> None:
    code = "import sys, market_data.sources.databento; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"databento", "databento_dbn", "requests", "httpx", "stamina", "polars", "numpy"}.isdisjoint(loaded)


def test_a_mistake_of_ours_is_not_made_the_vendors() -> None:
    assert told(TypeError("no such argument"), "", str) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (files.trades(DAY, 5, "CLH4"), "has the symbols CLH4, without ESH4"),
        (files.trades(DAY.replace(day=20), 5), "has nothing of 2024-01-15"),
        (files.trades(DAY, 0, dataset="XNAS.ITCH"), "has the dataset XNAS.ITCH, and GLBX.MDP3 was asked for"),
        (files.bars(DAY, 5), "expected a file each of trades; was given ohlcv-1m"),
        (files.trades(DAY, 200)[:-20], "is cut short"),
        (b"", "is empty"),
        (b"ts_event,price\n", "is no DBN file"),
    ],
)
def test_a_users_file_of_something_else_is_refused(tmp_path: Any, content: bytes, words: str) -> None:
    path = tmp_path / "mine.dbn.zst"
    path.write_bytes(content)
    with pytest.raises(BadFile, match=words) as raised:
        source(None).verify(request(), [path])
    assert "mine.dbn.zst" in str(raised.value) or "was given" in str(raised.value)


def test_a_users_file_is_taken_under_the_vendors_name_without_a_key(tmp_path: Any) -> None:
    path = tmp_path / "glbx-mdp3-20240115.trades.dbn.zst"
    path.write_bytes(files.trades(DAY, 5))
    (fetched,) = source(None).verify(request(), [path])
    assert (fetched.path, fetched.name, fetched.origin) == (path, "trades.dbn.zst", f"file {path.name}")


@real_data
def test_a_real_file_is_known_for_what_it_is() -> None:
    path = REAL / "GLBX.MDP3" / "test_data.trades.dbn.zst"
    day = DAY.replace(year=2020, month=12, day=28)
    (fetched,) = source(None).verify(request(vendor_symbol="ESH1", day=day), [path])
    assert fetched.name == "trades.dbn.zst"
    with pytest.raises(BadFile, match=f"without {SYMBOL}"):
        source(None).verify(request(day=day), [path])
