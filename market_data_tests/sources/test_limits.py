"""A vendor's limits across processes. A rate is a lower bound on time: that much must have passed, never less."""

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from market_data.vendor_access.rate_limits import Limits, Rate

CODE = """
import sys, time
from pathlib import Path
from market_data.vendor_access.rate_limits import Limits, Rate
limits = Limits(Path(sys.argv[1]), [Rate(int(sys.argv[2]), float(sys.argv[3]))])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[4])):
    limits.wait()
    print(time.monotonic())
"""


def times(path: Path, rate: Rate, processes: int, each: int) -> list[float]:
    """When processes that begin together were let through, sorted."""
    arguments = [sys.executable, "-c", CODE, str(path), str(rate.weight), str(rate.seconds), str(each)]
    running = [
        subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    for one in running:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    said = [one.communicate("go\n")[0] for one in _told_to_go(running)]
    return sorted(float(line) for text in said for line in text.splitlines())


def _told_to_go(running: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    for one in running:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    return running


def test_processes_keep_a_rate_together(tmp_path: Path) -> None:
    let_through = times(tmp_path / "shared" / "limits.db", Rate(4, 0.5), processes=2, each=8)
    assert len(let_through) == 16
    assert let_through[-1] - let_through[0] >= 3 * 0.5 - 0.1  # 4 at once, then 4 more in each window


def test_what_has_another_file_has_limits_of_its_own(tmp_path: Path) -> None:
    rate, names = Rate(1, 600.0), ("a.db", "b.db", "c.db")
    for name in names:
        Limits(tmp_path / name, [rate]).wait()  # would be waited for ten minutes in one file
    assert {name for name in names if (tmp_path / name).stat().st_size} == set(names)


def test_a_weight_counts_as_so_many_requests(tmp_path: Path) -> None:
    limits = Limits(tmp_path / "limits.db", [Rate(10, 0.4)])
    began = time.monotonic()
    for _ in range(3):
        limits.wait(weight=10)
    assert time.monotonic() - began >= 2 * 0.4 - 0.1


def test_a_clock_that_was_set_back_neither_bars_nor_lets_more_through(tmp_path: Path) -> None:
    path, rate = tmp_path / "limits.db", Rate(2, 0.5)
    Limits(path, [rate]).wait(weight=2)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE rate_bucket SET item_timestamp = item_timestamp + 86400000")
    began = time.monotonic()
    Limits(path, [rate]).wait()
    assert time.monotonic() - began >= 0.5 - 0.1
