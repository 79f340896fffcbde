"""Small files of a month brought into one: answers stay, whatever is corrected, damaged or under way meanwhile."""

import datetime as dt
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
import pytest
from sqlalchemy import update

from market_data.domain.account import Account
from market_data.domain.contract import polars_schema
from market_data.domain.errors import WarehouseDamaged
from market_data.domain.partition import Partition
from market_data.domain.tables import table
from market_data.ledger.schema import files, revisions
from market_data.warehouse.catalog import write_catalog
from market_data.warehouse.compaction import Compacted, Limits, compact, months
from market_data.warehouse.sql import connect
from market_data.warehouse.store import Origin, Warehouse
from market_data_tests.databases import ledger_url
from market_data_tests.partition_view import trade
from market_data_tests.partitions import days, put
from market_data_tests.places import KINDS, warehouse_on
from market_data_tests.warehouse_invariants import assert_sound

LIMITS = Limits(dt.date(2024, 3, 20))
JANUARY = days("2024-01-01", 31)
QUERIES = (
    "SELECT * FROM trades ORDER BY ALL",
    "SELECT * FROM trades WHERE date = '2024-01-03' ORDER BY ALL",
    "SELECT * FROM trades WHERE date BETWEEN '2024-01-02' AND '2024-01-04' AND symbol = '0042' ORDER BY ALL",
    "SELECT date, symbol, sum(price * size), count(*) FROM trades GROUP BY ALL ORDER BY ALL",
    "SELECT count(*), min(ts_event), max(ts_event) FROM trades WHERE feed = 'f'",
    "SELECT DISTINCT feed, symbol, date FROM trades ORDER BY ALL",
    "SELECT a.date, a.price FROM trades a JOIN trades b USING (feed, symbol, date, ordinal) ORDER BY ALL",
    "SELECT extract(month FROM date) AS m, count(*) FROM trades WHERE price > 2 GROUP BY m ORDER BY m",
    "DESCRIBE trades",
    "SELECT * FROM quality_reports ORDER BY ALL",
)


@pytest.fixture(params=KINDS)
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    with warehouse_on(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Warehouse]:
    with warehouse_on("folder", tmp_path) as opened:
        yield opened


def partition(day: dt.date, symbol: str = "1000") -> Partition:
    return Partition("f", day, symbol)


def prices(*values: str) -> list[dict[str, Any]]:
    return [trade(n, ts_event=n, price=value) for n, value in enumerate(values)]


def fill(warehouse: Warehouse, dates: Sequence[dt.date], symbol: str = "1000") -> None:
    for n, day in enumerate(dates):
        put(warehouse, "trades", partition(day, symbol), prices(*map(str, range(1, 2 + n % 4))))


def compacted(warehouse: Warehouse) -> list[Compacted]:
    return [compact(warehouse, month) for month in months(warehouse.ledger, LIMITS)]


def answers(warehouse: Warehouse) -> list[list[Any]]:
    """What queries answer, some as of every commit and every one as of the last, and what polars reads."""
    found: list[list[Any]] = []
    last = warehouse.ledger.last_commit
    for number in range(1, last + 1):
        with connect(warehouse, number) as connection:
            asked = QUERIES if number == last else QUERIES[:2]
            found.append([connection.execute(query).fetchall() for query in asked])
    everything = [
        one for each in warehouse.ledger.find() for one in warehouse.ledger.history(each.table, each.partition)
    ]
    found.append([warehouse.rows_of(revision).collect().rows() for revision in everything if revision.state != "lost"])
    return found


def versions(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    found = warehouse.ledger.find(as_of=warehouse.ledger.last_commit)
    return [(each.id, each.revision, each.sha256, each.content, each.committed_in, each.rows) for each in found]


def stored(warehouse: Warehouse) -> set[str]:
    return {each.path.as_posix() for each in warehouse.ledger.find()}


def age(warehouse: Warehouse) -> None:
    """A day goes by for files from which nothing is read."""
    with warehouse.ledger.writing() as connection:
        connection.execute(update(files).where(files.c.unreferenced_ns.is_not(None)).values(unreferenced_ns=1))


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()
    path.write_bytes(content)


def test_answers_and_versions_stay_at_every_commit(warehouse: Warehouse) -> None:
    fill(warehouse, JANUARY[:4])
    fill(warehouse, JANUARY[:3], "0042")
    put(warehouse, "trades", partition(JANUARY[2]), prices("9", "8"))
    put(warehouse, "trades", partition(JANUARY[3]), [])
    fill(warehouse, [dt.date(2024, 2, 1)])
    before, known, last = answers(warehouse), versions(warehouse), warehouse.ledger.last_commit
    done = compacted(warehouse)
    assert [(str(each.month), each.days, each.left_out) for each in done] == [
        ("trades f 0042 2024-01", 3, ()),
        ("trades f 1000 2024-01", 4, ()),
    ]
    assert len(stored(warehouse)) == 3
    assert (answers(warehouse), versions(warehouse), warehouse.ledger.last_commit) == (before, known, last)
    assert_sound(warehouse)
    age(warehouse)
    assert warehouse.sweep() == 7  # the files of two superseded revisions are kept
    assert answers(warehouse) == before
    assert compacted(warehouse) == []


def test_only_closed_months_with_several_small_files_are_compacted(folder: Warehouse) -> None:
    fill(folder, [JANUARY[0], dt.date(2024, 2, 1), dt.date(2024, 2, 2)])
    assert [str(each) for each in months(folder.ledger, LIMITS)] == ["trades f 1000 2024-02"]
    assert months(folder.ledger, Limits(dt.date(2024, 3, 6))) == []
    assert months(folder.ledger, Limits(dt.date(2024, 3, 7), closed_days=6)) != []
    assert months(folder.ledger, Limits(LIMITS.today, below_bytes=100)) == []
    assert months(folder.ledger, LIMITS, "other") == months(folder.ledger, LIMITS, "f", ["quotes"]) == []
    assert len(months(folder.ledger, LIMITS, "f", ["trades"])) == 1


class Sequenced(table("trades").schema):
    """Trades of a source with a column of its own."""

    sequence = dy.Int64(nullable=True)


class Monthly(table("trades").schema):
    """Trades of a source with a column that has a name which a month file needs."""

    month = dy.Int64(nullable=True)


def test_days_with_other_columns_are_in_files_of_their_own(warehouse: Warehouse) -> None:
    fill(warehouse, JANUARY[:3])
    for number, day in enumerate(JANUARY[3:6]):
        row = {**trade(0, price=Decimal(3), size=Decimal(1)), "sequence": number}
        data = pl.DataFrame([row], schema=polars_schema(Sequenced))
        put(warehouse, "trades", partition(day), data, schema=Sequenced)
    before = answers(warehouse)
    assert [each.days for each in compacted(warehouse)] == [3, 3]
    assert answers(warehouse) == before


def test_a_table_with_a_column_that_a_month_file_needs_is_left_as_it_is(folder: Warehouse) -> None:
    for day in JANUARY[:2]:
        data = pl.DataFrame(
            [{**trade(0, price=Decimal(3), size=Decimal(1)), "month": 1}], schema=polars_schema(Monthly)
        )
        put(folder, "trades", partition(day), data, schema=Monthly)
    before = answers(folder)
    (done,) = compacted(folder)
    assert (done.days, len(done.left_out)) == (0, 1)
    assert answers(folder) == before


def test_a_corrected_day_comes_out_again_and_the_others_stay(warehouse: Warehouse) -> None:
    fill(warehouse, JANUARY[:5])
    compacted(warehouse)
    (month,) = stored(warehouse)
    before = answers(warehouse)
    corrected = put(warehouse, "trades", partition(JANUARY[1]), prices("77"))
    assert corrected.path.as_posix() != month
    assert stored(warehouse) == {month, corrected.path.as_posix()}
    with connect(warehouse) as connection:
        assert connection.execute("SELECT price::INT FROM trades WHERE date = '2024-01-02'").fetchall() == [(77,)]
        (rows,) = connection.execute("SELECT count(*) FROM trades").fetchall()
    assert rows == (1 + 1 + 3 + 4 + 1,)
    assert answers(warehouse)[:4] == before[:4]
    then = answers(warehouse)
    assert [each.days for each in compacted(warehouse)] == [5]
    assert answers(warehouse) == then
    assert_sound(warehouse)


def test_the_same_rows_again_and_an_account_alone_share_the_month(warehouse: Warehouse) -> None:
    fill(warehouse, JANUARY[:3])
    compacted(warehouse)
    (month,) = stored(warehouse)
    again = put(warehouse, "trades", partition(JANUARY[0]), prices("1"))
    assert again.revision == 1
    other = put(warehouse, "trades", partition(JANUARY[0]), prices("1"), rejected=1)
    assert (other.revision, other.path.as_posix()) == (2, month)
    assert [len(warehouse.rows_of(each).collect()) for each in warehouse.ledger.history("trades", other.partition)] == [
        1,
        1,
    ]
    assert_sound(warehouse)


def test_an_account_that_shares_a_file_which_is_compacted_meanwhile_reads_the_month(folder: Warehouse) -> None:
    fill(folder, JANUARY[:3])
    with folder.stage("trades", partition(JANUARY[0]), table("trades").schema, "ts_event") as staged:
        staged.write(folder.scan("trades", partition(JANUARY[0])).collect())
        staged.writer.close()
        current = folder.current("trades", partition(JANUARY[0]))
        compacted(folder)
        made = folder._commit(staged, Account(2, 1, rejected=1), Origin("t", "t", "t"), current, same=True)
    assert made is not None
    assert {made.path.as_posix()} == stored(folder)
    age(folder)
    folder.sweep()
    assert_sound(folder)


def test_a_damaged_source_is_left_out_with_a_word(folder: Warehouse) -> None:
    fill(folder, JANUARY[:4])
    bad = folder.current("trades", partition(JANUARY[1]))
    assert bad is not None
    damage(folder.root / bad.path)
    (done,) = compacted(folder)
    assert done.days == 3
    assert "2024-01-02" in done.left_out[0]
    assert "has other bytes" in done.left_out[0]
    assert len(stored(folder)) == 2


def test_rows_that_the_ledger_does_not_know_are_left_out(folder: Warehouse) -> None:
    fill(folder, JANUARY[:4])
    with folder.ledger.writing() as connection:
        connection.execute(update(revisions).where(revisions.c.date == JANUARY[2]).values(content="rows1:0"))
        connection.execute(update(revisions).where(revisions.c.date == JANUARY[3]).values(content=None))
    (done,) = compacted(folder)
    assert done.days == 3
    assert done.left_out[0].endswith("has other rows than the ledger knows")
    noted = folder.current("trades", partition(JANUARY[3]))
    assert noted is not None
    assert noted.content is not None


def test_a_damaged_month_is_told_with_its_days_and_a_day_that_is_made_again_gets_a_file_of_its_own(
    folder: Warehouse,
) -> None:
    fill(folder, JANUARY[:4])
    before = answers(folder)
    compacted(folder)
    (month,) = stored(folder)
    damage(folder.root / month)
    told = r"trades f 2024-01-01 to 2024-01-04 1000: .* --start 2024-01-01 --end 2024-01-04 "
    with connect(folder) as connection, pytest.raises(WarehouseDamaged, match=told):
        connection.execute("SELECT * FROM trades")
    mended = put(folder, "trades", partition(JANUARY[2]), prices("1", "2", "3"))
    assert mended.revision == 1
    paths = [each.path.as_posix() for each in folder.ledger.find()]
    assert [path == month for path in paths] == [True, True, False, True]
    with connect(folder) as connection:
        assert connection.execute("SELECT count(*) FROM trades WHERE date = '2024-01-03'").fetchall() == [(3,)]
    for n in (0, 1, 3):
        put(folder, "trades", partition(JANUARY[n]), prices(*map(str, range(1, 2 + n % 4))))
    assert answers(folder) == before
    assert folder.ledger.unreferenced(2**62).count(month) == 1
    assert_sound(folder)


def test_what_is_replaced_while_a_month_is_written_is_not_switched(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(warehouse, JANUARY[:4])
    put_file = warehouse.files.put
    came = threading.Event()

    def and_a_writer_comes(staged: Path, file: Any) -> None:
        put_file(staged, file)
        if not came.is_set():
            came.set()
            put(warehouse, "trades", partition(JANUARY[1]), prices("50"))

    monkeypatch.setattr(warehouse.files, "put", and_a_writer_comes)
    compacted(warehouse)
    monkeypatch.undo()
    with connect(warehouse) as connection:
        found = connection.execute("SELECT day(date), max(price)::INT FROM trades GROUP BY ALL ORDER BY ALL").fetchall()
    assert found == [(1, 1), (2, 50), (3, 3), (4, 4)]
    assert_sound(warehouse)


def test_two_compactions_at_once_are_as_one(folder: Warehouse) -> None:
    fill(folder, JANUARY[:5])
    before = answers(folder)
    others = [Warehouse(folder.root, folder.ledger) for _ in range(3)]
    threads = [threading.Thread(target=compacted, args=(each,)) for each in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stored(folder)) == 1
    assert answers(folder) == before
    for other in others:
        other.close()
    assert_sound(folder)


def test_a_catalog_of_before_says_that_it_is_old(folder: Warehouse, tmp_path: Path) -> None:
    import duckdb

    fill(folder, JANUARY[:3])
    write_catalog(folder, tmp_path / "w.duckdb")
    compacted(folder)
    with duckdb.connect(str(tmp_path / "w.duckdb"), read_only=True) as old, pytest.raises(Exception, match="anew"):
        old.execute("SELECT count(*) FROM trades").fetchall()
    write_catalog(folder, tmp_path / "w.duckdb")
    with duckdb.connect(str(tmp_path / "w.duckdb"), read_only=True) as new:
        assert new.execute("SELECT count(*) FROM trades").fetchall() == [(6,)]


VICTIM = """
import datetime as dt, os, signal, sys
from pathlib import Path
from market_data.ledger import file_moves
from market_data.ledger.ledger import Ledger
from market_data.warehouse.compaction import Limits, compact, months
from market_data.warehouse.file_store import FolderFiles
from market_data.warehouse.store import Warehouse

owner, name = {"FolderFiles": FolderFiles, "Warehouse": Warehouse, "moves": file_moves}[sys.argv[3]], sys.argv[4]
whole = getattr(owner, name)

def dies(*words):
    if sys.argv[5] == "after":
        whole(*words)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, name, dies)
warehouse = Warehouse(Path(sys.argv[1]), Ledger(sys.argv[2]))
for month in months(warehouse.ledger, Limits(dt.date(2024, 3, 20))):
    compact(warehouse, month)
"""


@pytest.mark.parametrize(
    ("owner", "name", "when", "is_new"),
    [
        ("FolderFiles", "put", "before", False),
        ("FolderFiles", "put", "after", False),
        ("moves", "move", "before", False),
        ("moves", "move", "after", False),
        ("FolderFiles", "check_before_move", "after", False),
        ("Warehouse", "move", "after", True),
    ],
)
def test_a_compaction_that_is_killed_leaves_the_old_or_the_new(
    folder: Warehouse, tmp_path: Path, owner: str, name: str, when: str, is_new: bool
) -> None:
    fill(folder, JANUARY[:3])
    before, known = answers(folder), versions(folder)
    words = [str(folder.root), ledger_url(tmp_path), owner, name, when]
    died = subprocess.run([sys.executable, "-c", VICTIM, *words], check=False, capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert (len(stored(folder)) == 1) is is_new
    assert (answers(folder), versions(folder)) == (before, known)
    assert_sound(folder, orphans=True)
    assert [each.days for each in compacted(folder)] == ([] if is_new else [3])
    assert answers(folder) == before
