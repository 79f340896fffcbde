"""Landings and warehouses in every kind of place, for what must be true of all of them."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from market_data.ledger.ledger import Ledger
from market_data.storage.bucket import BucketFolder
from market_data.warehouse.store import Warehouse
from market_data_tests.databases import ledger_url

KINDS = ("folder", "bucket")


@contextmanager
def place(kind: str, folder: Path, name: str) -> Generator[Path | BucketFolder]:
    """An empty place of that kind; a bucket's service ends with the block."""
    if kind == "folder":
        yield folder / name
        return
    from market_data.storage.bucket import Bucket
    from market_data_tests.vendors.object_store import serving

    with serving() as store:
        yield Bucket(store.url, folder / "scratch", 10**9, store.endpoint).below(name)


@contextmanager
def warehouse_on(kind: str, folder: Path) -> Generator[Warehouse]:
    """An empty warehouse in a place of that kind, its ledger beside it."""
    ledger = Ledger(ledger_url(folder))
    with place(kind, folder, "warehouse") as found:
        warehouse = Warehouse(found, ledger)
        yield warehouse
        warehouse.close()
    ledger.close()
