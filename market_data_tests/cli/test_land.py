"""`market-data land`: a vendor's file that someone already has."""

import datetime as dt
import hashlib
import json
from pathlib import Path

import pytest

from market_data_tests.cli.conftest import Home
from market_data_tests.vendors import binance_files

DAY = dt.date(2019, 10, 11)


@pytest.fixture
def zipped(tmp_path: Path) -> Path:
    path = tmp_path / binance_files.trades_path("XRPETH", DAY)
    return binance_files.write(path, binance_files.trade_lines(DAY, 10))


def test_what_was_landed_is_told_and_what_to_run_next(empty_home: Home, zipped: Path) -> None:
    digest = hashlib.sha256(zipped.read_bytes()).hexdigest()
    lines = empty_home.lines("land", "xrpeth", "trades", "XRP-ETH", "2019-10-11", zipped)
    command = "dagster asset materialize --select xrpeth/trades --partition '2019-10-11|XRP-ETH'"
    assert lines == [
        f"landed {zipped.name}: {zipped.stat().st_size:,} bytes, sha256 {digest}",
        "Make it a partition:",
        f"  {command} -m market_data.definitions",
    ]
    (landed,) = (empty_home.settings.home / "landing" / "xrpeth").rglob("*.zip")
    assert landed.read_bytes() == zipped.read_bytes()
    assert zipped.exists()


def test_landed_files_are_told_in_json(empty_home: Home, zipped: Path) -> None:
    (told,) = json.loads(
        "".join(empty_home.lines("land", "xrpeth", "trades", "XRP-ETH", "2019-10-11", zipped, "--json"))
    )
    assert told["name"] == zipped.name
    assert told["sha256"] == hashlib.sha256(zipped.read_bytes()).hexdigest()


def test_a_file_that_is_not_what_it_claims_is_refused(empty_home: Home, zipped: Path) -> None:
    zipped.write_bytes(zipped.read_bytes()[:-30])
    result = empty_home.run("land", "xrpeth", "trades", "XRP-ETH", "2019-10-11", zipped)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert zipped.name in result.stderr
    assert not list((empty_home.settings.home / "landing").rglob("*.zip"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere", "trades", "XRP-ETH", "2019-10-11"], "no feed 'nowhere'"),
        (
            ["xrpeth", "quotes", "XRP-ETH", "2019-10-11"],
            "xrpeth does not fetch 'quotes'; it fetches instruments, trades",
        ),
        (["xrpeth", "trades", "XRPETH", "2019-10-11"], "xrpeth has no symbol 'XRPETH'; it has XRP-ETH"),
        (["xrpeth", "trades", "XRP-ETH", "2019-10-10"], "xrpeth has days from 2019-10-11 to 2019-10-31; 2019-10-10 is"),
        (["xrpeth", "trades", "XRP-ETH", "2019-11-01"], "2019-11-01 is none of them"),
        (["xrpeth", "trades", "XRP-ETH", "11.10.2019"], "DATE is '11.10.2019'; expected a UTC day, YYYY-MM-DD"),
        (["xrpeth", "trades", "XRP-ETH", "20191011"], "DATE is '20191011'; expected a UTC day, YYYY-MM-DD"),
    ],
)
def test_what_the_configuration_does_not_have_is_said(
    empty_home: Home, zipped: Path, words: list[str], said: str
) -> None:
    result = empty_home.run("land", *words, zipped)
    assert (result.exit_code, said in result.stderr) == (2, True)


def test_a_file_that_does_not_exist_is_said(empty_home: Home, tmp_path: Path) -> None:
    result = empty_home.run("land", "xrpeth", "trades", "XRP-ETH", "2019-10-11", tmp_path / "none.zip")
    assert (result.exit_code, "none.zip is no file" in result.stderr) == (2, True)
