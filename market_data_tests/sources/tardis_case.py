"""What the tests of `tardis` share: a free day, a symbol, a source of little patience, and short ways to rows."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from market_data.domain.partition import Partition
from market_data.domain.ports.source import Batch, Fetched, Request
from market_data.sources.tardis import Tardis
from market_data.sources.tardis.options import TardisOptions
from market_data.vendor_access.timeouts import Patience
from market_data_tests.fetching import at, landed
from market_data_tests.vendors import tardis_files as files
from market_data_tests.vendors.tardis_archive import KEY, TardisArchive

REAL = Path(__file__).parents[3] / "shared" / "data" / "tardis"
DAY = dt.date(2024, 3, 1)
PAID_DAY = dt.date(2024, 3, 4)
EXCHANGE, SYMBOL = "bitmex", "XBTUSD"
NAME = f"{EXCHANGE}_trades_{DAY}_{SYMBOL}.csv.gz"
ROWS = 5_000
PATH = files.path_of(EXCHANGE, "trades", DAY, SYMBOL)
QUICK = Patience(attempts=3, first_wait_seconds=0.01, longest_wait_seconds=0.01, timeout_seconds=0.4)

real_data = pytest.mark.skipif(not REAL.exists(), reason=f"no real Tardis files at {REAL}")


def source(url: str = "http://127.0.0.1:9", shared: Path = Path("unused"), **options: Any) -> Tardis:
    """A source that asks the archive at that address."""
    given = {"exchange": EXCHANGE, "base_url": url, "api_url": url, **options}
    made = Tardis(TardisOptions.model_validate(given), {"BTC": SYMBOL}, shared)
    made.patience = QUICK
    return made


def request(table: str = "trades", vendor_symbol: str = SYMBOL, day: dt.date = DAY) -> Request:
    """A table of a day."""
    return Request(table, Partition("feed", day, "BTC"), vendor_symbol)


def decoded(path: Path, wanted: Request | None = None, **options: Any) -> list[Batch]:
    """A file as landed, decoded."""
    return list(source(**options).decode(wanted or request(), landed([Fetched(path, path.name, "here")])))


def written(folder: Path, data_type: str, lines: list[str], exchange: str = EXCHANGE, symbol: str = SYMBOL) -> Path:
    """A file of the day with these lines."""
    return files.write(folder, exchange, data_type, DAY, symbol, lines)


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TARDIS_API_KEY", raising=False)


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARDIS_API_KEY", KEY)


@pytest.fixture
def trades(tardis_archive: TardisArchive) -> TardisArchive:
    """An archive with a day of trades, of a size that faults can cut."""
    for day in (DAY, PAID_DAY):
        lines = files.trade_lines(day, ROWS)
        files.write(tardis_archive.root, EXCHANGE, "trades", day, SYMBOL, lines)
    assert (tardis_archive.root / PATH).stat().st_size > 40_000
    return tardis_archive


def fetched(archive: TardisArchive, workdir: Path, table: str = "trades", **wanted: Any) -> list[Batch]:
    vendor = source(archive.base_url, workdir.parent / "shared")
    asked = request(table, **wanted)
    return list(vendor.decode(asked, landed(vendor.fetch(asked, at(workdir)))))
