"""The disk with the ledger alone runs full in mid backfill."""

from pathlib import Path

from market_data_tests.faults.audit import audit, half_made, recovered
from market_data_tests.faults.mounts import tmpfs
from market_data_tests.faults.scenario import Figures, Scenario, Size


class LedgerDiskFull:
    name = "ledger's disk full"
    how = "As above, but only the ledger (SQLite) lies on the disk that runs full; landing and warehouse have room."

    def run(self, folder: Path, size: Size) -> Figures:
        with tmpfs(folder / "disk", "64m") as disk:
            backfill, before = half_made(folder, size, ledger_url=f"sqlite:///{disk.path}/ledger.db")
            run = backfill.start("full")
            run.until_done(size.partitions // 4)
            disk.fill()
            assert run.end() != 0, run.log()
            count = audit(backfill, [run], before)
            disk.remount("size=128m")
            return count.figures(recovered(backfill), "after `mount -o remount,size=`, by the next run")


SCENARIO: Scenario = LedgerDiskFull()
