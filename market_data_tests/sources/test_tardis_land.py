"""A user's own file of Tardis: taken whatever it is called, refused where it is of something else."""

from pathlib import Path

import pytest

from market_data.domain.errors import BadFile
from market_data_tests.sources.tardis_case import DAY, NAME, PAID_DAY, request, source, written
from market_data_tests.vendors import tardis_files as files


def test_a_users_file_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    path = written(tmp_path, "trades", files.trade_lines(DAY, 10))
    (file,) = source().verify(request(), [path])
    assert (file.path, file.name) == (path, NAME)
    assert path.exists()


@pytest.mark.parametrize(
    ("data_type", "lines", "words"),
    [
        ("quotes", [], "is no trades: it has no column id, side, price, amount"),
        ("trades", files.trade_lines(PAID_DAY, 1), "holds a record of 2024-03-04, not of 2024-03-01"),
        ("trades", [*files.trade_lines(DAY, 9), *files.trade_lines(PAID_DAY, 1)], "holds a record of 2024-03-04"),
        ("trades", files.trade_lines(DAY, 9, symbol="ETHUSD"), "holds a record of bitmex ETHUSD, not of bitmex XBTUSD"),
        ("trades", files.trade_lines(DAY, 9, exchange="deribit"), "holds a record of deribit XBTUSD"),
    ],
)
def test_a_users_file_of_something_else_is_refused(
    tmp_path: Path, data_type: str, lines: list[str], words: str
) -> None:
    path = written(tmp_path, data_type, lines)
    with pytest.raises(BadFile, match=words):
        source().verify(request(), [path])


def test_a_users_file_that_is_damaged_absent_or_one_of_two_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "trades", files.trade_lines(DAY, 10))
    with pytest.raises(BadFile, match="expected one file"):
        source().verify(request(), [path, path])
    with pytest.raises(BadFile, match="is no file"):
        source().verify(request(), [tmp_path / "none"])
    with pytest.raises(BadFile, match="are fetched, not landed"):
        source().verify(request("instruments"), [path])
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(BadFile, match=r"XBTUSD\.csv\.gz is no whole gzip file"):
        source().verify(request(), [path])
