"""The disk with landing, warehouse and ledger runs full in mid backfill."""

from pathlib import Path

from market_data_tests.faults.audit import audit, half_made, recovered
from market_data_tests.faults.mounts import tmpfs
from market_data_tests.faults.scenario import Figures, Scenario, Size


class DiskFull:
    name = "disk full"
    how = (
        "The home is a small tmpfs, half its days are there. All days are made from other rows, and when a quarter of "
        "them is done, somebody else's file takes all the room that is left."
    )

    def run(self, folder: Path, size: Size) -> Figures:
        with tmpfs(folder / "disk", "256m") as disk:
            backfill, before = half_made(folder, size, home=disk.path / "home")
            run = backfill.start("full")
            run.until_done(size.partitions // 4)
            disk.fill()
            assert run.end() != 0, run.log()
            readable = backfill.command("query", "SELECT count(*) AS n FROM trades", "--format", "csv")
            assert readable.returncode == 0, readable.stderr
            count = audit(backfill, [run], before)
            disk.remount("size=512m")
            return count.figures(recovered(backfill), "after `mount -o remount,size=`, by the next run")


SCENARIO: Scenario = DiskFull()
