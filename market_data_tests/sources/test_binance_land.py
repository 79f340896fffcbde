"""Files from Binance that a user already has: verified like fetched ones."""

import datetime as dt
from pathlib import Path

import pytest

from market_data.domain.errors import (
    BadFile,
)
from market_data_tests.sources.binance_case import DAY, NAME, SYMBOL, request, source
from market_data_tests.vendors import binance_files as files


def test_a_users_files_are_put_in_the_order_of_decoding(tmp_path: Path) -> None:
    one = files.write(tmp_path / f"{SYMBOL}-1m-{DAY}.zip", files.kline_lines(DAY, 60), files.KLINES_HEADER)
    five = files.write(tmp_path / f"{SYMBOL}-5m-{DAY}.zip", files.kline_lines(DAY, 300, "us"))
    for given_order in ([one, five], [five, one]):
        fetched = source().verify(request("vendor_candles"), given_order)
        assert [each.path for each in fetched] == [one, five]


@pytest.mark.parametrize("with_checksum", [True, False])
def test_a_users_file_is_taken_with_and_without_a_checksum(tmp_path: Path, with_checksum: bool) -> None:
    path = files.write(tmp_path / NAME, files.trade_lines(DAY, 10))
    if not with_checksum:
        path.with_name(f"{NAME}.CHECKSUM").unlink()
    (fetched,) = source().verify(request(), [path])
    assert (fetched.path, fetched.name) == (path, NAME)
    assert path.exists()


@pytest.mark.parametrize(
    ("table", "names", "words"),
    [
        ("vendor_candles", [f"{SYMBOL}-1m-{DAY}.zip"], f"expected {SYMBOL}-1m-{DAY}.zip, {SYMBOL}-5m-{DAY}.zip"),
        ("trades", [], "was given nothing"),
        ("trades", [f"{SYMBOL}-aggTrades-2024-03-05.zip"], f"expected {NAME}"),
        ("trades", [f"ETHUSDT-aggTrades-{DAY}.zip"], f"expected {NAME}"),
        ("trades", [NAME, f"{SYMBOL}-1m-{DAY}.zip"], f"expected {NAME}"),
        ("instruments", [NAME], "publishes no files of instruments"),
    ],
)
def test_a_users_files_of_another_request_are_refused(tmp_path: Path, table: str, names: list[str], words: str) -> None:
    paths = [files.write(tmp_path / name, files.trade_lines(DAY, 3)) for name in names]
    with pytest.raises(BadFile, match=words):
        source().verify(request(table), paths)


@pytest.mark.parametrize("where", [0, 4])
def test_a_users_file_with_records_of_another_day_is_refused(tmp_path: Path, where: int) -> None:
    lines = files.trade_lines(DAY, 5)
    lines[where] = files.trade_lines(DAY + dt.timedelta(days=1), 1, unit="us")[0]
    path = files.write(tmp_path / NAME, lines)
    with pytest.raises(BadFile, match=f"{NAME} holds a record of 2024-03-05, not of 2024-03-04"):
        source().verify(request(), [path])


def test_a_users_file_that_its_checksum_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = files.write(tmp_path / NAME, files.trade_lines(DAY, 5))
    path.with_name(f"{NAME}.CHECKSUM").write_text(f"{'0' * 64}  {NAME}\n")
    with pytest.raises(BadFile, match="CHECKSUM says otherwise"):
        source().verify(request(), [path])


def test_a_users_file_that_is_absent_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="is no file"):
        source().verify(request(), [tmp_path / NAME])
