"""Homes with a past, and all that can be known of one: for what must be the same after a backup, a restore, a move."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select

from market_data.domain.alerts import Cause
from market_data.ledger.ledger import Ledger
from market_data.ledger.schema import LOST, ledger_state, metadata
from market_data.ledger.spending import Allowance
from market_data.operations.alerting import raise_alerts
from market_data.pipeline.chain import Failed, materialize
from market_data.pipeline.workspace import Outcome, Workspace, opened
from market_data.settings import Settings
from market_data.storage.files import sha256
from market_data_tests.feeds import settings_of, simulated
from market_data_tests.vendors.object_store import ObjectStore

TABLES = ("trades", "candles")
NOW = dt.datetime(2024, 1, 20, tzinfo=dt.UTC)


def home_at(folder: Path, seed: int = 1, **environment: Any) -> Settings:
    """Settings of a feed with a day of two symbols, which the vendor gives other bytes of for another seed."""
    folder.mkdir(parents=True, exist_ok=True)
    options = {"seed": seed, "trades_per_day": {"AAA-USD": 60, "BBB-USD": 30}}
    return settings_of(folder, {"sim": simulated(options=options)}, **environment)


def on_bucket(store: ObjectStore, machine: Path) -> dict[str, Any]:
    """The environment of a home on a bucket, the ledger on that machine."""
    machine.mkdir(parents=True, exist_ok=True)
    place = {"home": store.url, "bucket_endpoint": store.endpoint, "scratch": machine}
    return {**place, "ledger_url": f"sqlite:///{machine}/ledger.db"}


def collect(settings: Settings, days: int = 2) -> None:
    """Materialize the feed's first days from what the vendor gives now."""
    feed = settings.feeds["sim"]
    with opened(settings, "run-1") as workspace:
        for day in range(days):
            for symbol in feed.symbols:
                partition = feed.partition(symbol, feed.start + dt.timedelta(days=day))
                steps = list(materialize(workspace, feed, partition, TABLES, (), refetch=True))
                assert not any(isinstance(step, Failed) for step in steps)
                assert {step.table for step in steps if isinstance(step, Outcome)} == set(TABLES)


def live(folder: Path, **environment: Any) -> Settings:
    """A home of which two days were collected, and the first again when the vendor had other bytes; with its rest."""
    collect(home_at(folder, 1, **environment))
    settings = home_at(folder, 2, **environment)
    collect(settings, days=1)
    with opened(settings) as workspace:
        partition = settings.feeds["sim"].partition("AAA-USD", dt.date(2024, 1, 15))
        cause = Cause("finding", "warning", "a check does not pass", "Look.", feed="sim", partitions=(partition,))
        raise_alerts(workspace, [cause], NOW, {})
        workspace.ledger.spending.enter(partition, "trades", "run-1", 1.25, "a day", Allowance(None, None))
        workspace.ledger.repairs.enter({partition: "missing"}, 5)
        workspace.ledger.dropped.drop(partition, ["d" * 64], "known")
    return settings


def rows(ledger: Ledger) -> dict[str, list[Mapping[str, Any]]]:
    """Every row of every relation but the ledger's state, which no ledger lacks."""
    with ledger.instant() as connection:
        return {
            each.name: [dict(row) for row in connection.execute(select(each).order_by(*each.primary_key)).mappings()]
            for each in metadata.sorted_tables
            if each is not ledger_state
        }


def state(ledger: Ledger) -> dict[str, Any]:
    """The ledger's state, but for the identity: that of a restored ledger is another."""
    with ledger.instant() as connection:
        found = connection.execute(select(ledger_state)).mappings().one()
    return {name: value for name, value in found.items() if name != "identity"}


def hashes(workspace: Workspace) -> dict[tuple[str, str, int], str]:
    """The SHA-256 of the file of every revision that is not lost, as it is read from its place."""
    kept = [
        revision
        for current in workspace.ledger.find()
        for revision in workspace.ledger.history(current.table, current.partition)
        if revision.state != LOST
    ]
    return {
        (each.table, str(each.partition), each.revision): sha256(workspace.warehouse.file_of(each)) for each in kept
    }


def landed(workspace: Workspace) -> dict[str, str | None]:
    """The SHA-256 of every landed file and manifest."""
    place = workspace.landing.place
    return {key: place.digest(key) for key in place.every_key()}


def facts(settings: Settings) -> dict[str, Any]:
    """All that can be known of a home."""
    with opened(settings) as workspace:
        of_ledger = {"rows": rows(workspace.ledger), "state": state(workspace.ledger)}
        return {**of_ledger, "hashes": hashes(workspace), "landed": landed(workspace)}
