"""Records leave the quarantine when what set them aside was mended: a replay of landed bytes, exact and repeatable."""

import datetime as dt
import gzip
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from market_data.domain.errors import MissingInput
from market_data.domain.partition import Partition
from market_data.domain.ports.source import Batch, Fault, LandedFile, Request
from market_data.pipeline import quarantine
from market_data.pipeline.fetch import land
from market_data.pipeline.ingest import ingest
from market_data.pipeline.quality import run_checks
from market_data.pipeline.quarantine import Wanted
from market_data.pipeline.release import Released, following, release
from market_data.pipeline.workspace import Workspace, opened
from market_data.settings import Settings
from market_data.sources.simulated import Simulated
from market_data_tests.feeds import place, settings_of, simulated
from market_data_tests.warehouse_invariants import assert_sound

DAY = dt.date(2024, 1, 15)
PARTITION = Partition("sim", DAY, "AAA-USD")
BAD = {4, 44, 84, 124}
"""Which records `unreadable` spoils."""


class Older(Simulated):
    """The source as it was before it could read some records: it finds no sense in two that are good."""

    def decode(self, request: Request, files: Sequence[LandedFile]) -> Iterator[Batch]:
        for batch in super().decode(request, files):
            faults = [Fault(row, "side_is_readable", "side is not readable") for row in (10, 11)]
            yield replace(batch, faults=[*batch.faults, *faults])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    options = {"seed": 1, "defects": ["unreadable"], "trades_per_day": {"AAA-USD": 200}}
    return settings_of(tmp_path, {"sim": simulated(symbols=["AAA-USD"], options=options)})


@pytest.fixture
def workspace(settings: Settings) -> Iterator[Workspace]:
    with opened(settings) as found:
        yield found


def set_aside(workspace: Workspace) -> set[int]:
    return {
        number
        for _, rows in quarantine.found(workspace, Wanted("sim", "trades"))
        for number in rows["record_number"].to_list()
    }


def verdicts(workspace: Workspace) -> list[bool]:
    feed = workspace.feed("sim")
    return [finding.passed for finding in run_checks(workspace, feed, PARTITION, ["row_account"])["row_account"]]


def ingest_by(workspace: Workspace, source: type[Simulated]) -> None:
    feed = workspace.feed("sim")
    workspace._sources["sim"] = source(feed.options, feed.symbols, workspace.settings.vendors)
    ingest(workspace, feed, "trades", PARTITION)
    del workspace._sources["sim"]


def correct(workspace: Workspace, folder: Path, change: Callable[[list[str]], list[str]]) -> None:
    """The vendor's file with other lines, brought in by hand."""
    feed = workspace.feed("sim")
    request = feed.request("trades", PARTITION)
    files = workspace.landing.find(request)
    assert files is not None
    (landed,) = files
    lines = change(gzip.decompress(landed.path.read_bytes()).decode().splitlines())
    path = folder / landed.name
    path.write_bytes(gzip.compress("\n".join([*lines, ""]).encode()))
    land(workspace, feed, request, [path])


def test_what_a_mended_source_can_read_is_released_and_the_rest_stays(workspace: Workspace) -> None:
    ingest_by(workspace, Older)
    assert set_aside(workspace) == BAD | {10, 11}
    told = release(workspace, "trades", PARTITION)
    assert told == Released("trades", PARTITION, 2, 4, 0, changed=True, other_bytes=False)
    assert set_aside(workspace) == BAD
    revision = workspace.ledger.current("trades", PARTITION)
    assert revision is not None
    assert (revision.revision, revision.rows, revision.account.rejected) == (2, 202, 4)
    assert verdicts(workspace) == [True]
    assert_sound(workspace.warehouse)


def test_what_was_released_is_what_a_first_run_of_the_mended_source_gives(
    workspace: Workspace, settings: Settings, tmp_path: Path
) -> None:
    ingest_by(workspace, Older)
    release(workspace, "trades", PARTITION)
    with opened(settings.model_copy(update=place(tmp_path / "fresh"))) as fresh:
        ingest(fresh, fresh.feed("sim"), "trades", PARTITION)
        one, other = (each.ledger.current("trades", PARTITION) for each in (workspace, fresh))
        assert one is not None
        assert other is not None
        assert (one.sha256, one.account) == (other.sha256, other.account)


def test_nothing_is_released_twice(workspace: Workspace) -> None:
    ingest_by(workspace, Older)
    release(workspace, "trades", PARTITION)
    before = [(r.table, r.revision, r.sha256) for r in workspace.ledger.find()]
    told = release(workspace, "trades", PARTITION)
    assert told == Released("trades", PARTITION, 0, 4, 0, changed=False, other_bytes=False)
    assert [(r.table, r.revision, r.sha256) for r in workspace.ledger.find()] == before


def test_a_rule_that_became_stricter_sets_aside_what_it_finds(workspace: Workspace) -> None:
    ingest_by(workspace, Simulated)
    feed = workspace.feed("sim")
    workspace._sources["sim"] = Older(feed.options, feed.symbols, workspace.settings.vendors)
    told = release(workspace, "trades", PARTITION)
    assert (told.released, told.stay, told.added, told.changed) == (0, 4, 2, True)


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"something else")])
def test_without_the_landed_bytes_it_is_refused_and_nothing_changes(
    workspace: Workspace, damage: Callable[[Path], object]
) -> None:
    ingest_by(workspace, Older)
    before = workspace.ledger.find()
    (file,) = (workspace.settings.landing / "sim").rglob("*.gz")
    damage(file)
    with pytest.raises(MissingInput, match=r"not landed, or are damaged.*market-data land sim trades"):
        release(workspace, "trades", PARTITION)
    assert workspace.ledger.find() == before
    assert set_aside(workspace) == BAD | {10, 11}


def test_records_that_the_vendor_corrected_are_released_from_the_new_file(workspace: Workspace, tmp_path: Path) -> None:
    ingest_by(workspace, Simulated)
    feed = workspace.feed("sim")
    clean = settings_of(
        tmp_path, {"sim": simulated(symbols=["AAA-USD"], options={**feed.options.model_dump(), "defects": []})}
    )
    with opened(clean.model_copy(update=place(tmp_path / "clean"))) as other:
        (good,) = ingest(other, clean.feeds["sim"], "trades", PARTITION).landed
        land(workspace, feed, feed.request("trades", PARTITION), [good.path])
    told = release(workspace, "trades", PARTITION)
    assert told == Released("trades", PARTITION, 4, 0, 0, changed=True, other_bytes=True)
    assert verdicts(workspace) == [True]
    assert [r.rows for r in workspace.ledger.history("trades", PARTITION)] == [202, 206]


def test_the_account_adds_up_where_the_vendor_took_bad_records_out_and_no_row_changed(
    workspace: Workspace, tmp_path: Path
) -> None:
    ingest_by(workspace, Simulated)

    def without_bad(lines: list[str]) -> list[str]:
        title, header, *records, count = lines
        kept = [line for number, line in enumerate(records) if number not in BAD]
        return [title, header, *kept, count.replace("206", "202")]

    correct(workspace, tmp_path, without_bad)
    told = release(workspace, "trades", PARTITION)
    assert (told.released, told.stay, told.other_bytes) == (4, 0, True)
    first, second = workspace.ledger.history("trades", PARTITION)
    assert (first.sha256, first.account.rejected) == (second.sha256, 4)
    assert second.account.rejected == 0
    assert verdicts(workspace) == [True]
    assert_sound(workspace.warehouse)


def test_dropped_records_are_kept_counted_and_can_be_taken_back(workspace: Workspace) -> None:
    ingest_by(workspace, Simulated)
    every = Wanted("sim", "trades", rule="price_is_readable")
    assert quarantine.drop(workspace, every, "the vendor's test") == 2
    assert quarantine.drop(workspace, every, "again") == 0
    release(workspace, "trades", PARTITION)
    assert set_aside(workspace) == BAD
    assert verdicts(workspace) == [True]
    ((_, rows),) = quarantine.found(workspace, Wanted())
    assert rows.filter(pl.col("dropped").is_not_null())["dropped"].to_list() == ["the vendor's test"] * 2
    assert quarantine.undo(workspace, Wanted("sim")) == 2
    ((_, rows),) = quarantine.found(workspace, Wanted())
    assert rows["dropped"].null_count() == 4


def test_a_note_does_not_fall_on_another_record_at_the_same_place(workspace: Workspace, tmp_path: Path) -> None:
    ingest_by(workspace, Simulated)
    quarantine.drop(workspace, Wanted("sim"), "not wanted")
    correct(workspace, tmp_path, lambda lines: [line.replace("n/a", "none") for line in lines])
    release(workspace, "trades", PARTITION)
    ((_, rows),) = quarantine.found(workspace, Wanted("sim"))
    assert rows.filter(pl.col("dropped").is_null())["record_number"].to_list() == [4, 84]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (Wanted(), 4),
        (Wanted("other"), 0),
        (Wanted("sim", "quotes"), 0),
        (Wanted(symbol="AAA-USD", rule="fields_are_complete"), 2),
        (Wanted(start=DAY, end=DAY), 4),
        (Wanted(start=DAY + dt.timedelta(1)), 0),
        (Wanted(end=DAY - dt.timedelta(1)), 0),
    ],
)
def test_filters_choose_records(workspace: Workspace, wanted: Wanted, count: int) -> None:
    ingest_by(workspace, Simulated)
    assert sum(len(rows) for _, rows in quarantine.found(workspace, wanted)) == count


def test_the_next_commands_take_days_in_a_row_together_and_no_day_between() -> None:
    def released(day: int, changed: bool = True) -> Released:
        return Released("trades", replace(PARTITION, date=DAY.replace(day=day)), 1, 0, 0, changed, False)

    tail = "-m market_data.definitions"
    assert following([released(day) for day in (20, 15, 16)] + [released(17, changed=False)]) == [
        "dagster asset materialize --select 'key:\"sim/trades\"+' "
        f"--partition-range '2024-01-15|AAA-USD...2024-01-16|AAA-USD' {tail}",
        f"dagster asset materialize --select 'key:\"sim/trades\"+' --partition '2024-01-20|AAA-USD' {tail}",
    ]
