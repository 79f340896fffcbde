"""The home can only be read: as after an error of the disk, when the kernel mounts it so."""

from pathlib import Path

from market_data_tests.faults.audit import audit, half_made, recovered
from market_data_tests.faults.mounts import tmpfs
from market_data_tests.faults.scenario import Figures, Scenario, Size

_COUNT = "SELECT count(DISTINCT date) AS days FROM trades"


class ReadOnly:
    name = "read-only home"
    how = (
        "The home's file system is mounted read-only, half its days are there. A run takes all days from other rows; "
        "`query`, `coverage` and `health` are asked meanwhile."
    )

    def run(self, folder: Path, size: Size) -> Figures:
        with tmpfs(folder / "disk", "512m") as disk:
            backfill, before = half_made(folder, size, home=disk.path / "home")
            disk.remount("ro")
            run = backfill.start("refused")
            assert run.end() != 0, run.log()
            found = backfill.command("query", _COUNT, "--format", "csv")
            assert found.stdout.split() == ["days", str(size.days // 2)], found.stderr
            covered = backfill.command("coverage")
            assert covered.returncode == 0, covered.stderr
            health = backfill.command("health")
            assert "Read-only file system" in health.stdout, health.stdout + health.stderr
            count = audit(backfill, [run], before)
            disk.remount("rw")
            return count.figures(recovered(backfill), "after `mount -o remount,rw`, by the next run")


SCENARIO: Scenario = ReadOnly()
