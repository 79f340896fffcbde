"""How things are measured: the best of several, peak memory in a process of its own."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

REPEATS = 3


def best_seconds(
    work: Callable[[], object], repeats: int = REPEATS, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Seconds of the fastest of several goes: of the wall clock, or of this process's CPU by `time.process_time`."""
    taken: list[float] = []
    for _ in range(repeats):
        began = clock()
        work()
        taken.append(clock() - began)
    return min(taken)


def peak_mb() -> float:
    """The most memory this process held since it was started, MB (Linux: its parent's does not count)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise OSError("/proc/self/status has no VmHWM")


def peak_mb_of(module: str, *arguments: str) -> float:
    """The most memory that `python -m module arguments` held; it prints the figure last."""
    done = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])
