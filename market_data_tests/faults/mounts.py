"""Small file systems of their own, to be filled and made read-only. Mounting wants root's rights."""

import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from market_data_tests.faults.scenario import CannotRun

_BLOCK = b"\0" * 4096


@dataclass(frozen=True, slots=True)
class Mount:
    """A tmpfs."""

    path: Path

    def remount(self, options: str) -> None:
        """With other options: `size=64m`, `ro`, `rw`."""
        subprocess.run(["mount", "-o", f"remount,{options}", self.path], check=True)

    def fill(self) -> None:
        """With somebody else's file, to the last byte."""
        with (self.path / "somebody-elses").open("ab", buffering=0) as file, suppress(OSError):
            while file.write(_BLOCK):
                pass


@contextmanager
def tmpfs(path: Path, size: str) -> Generator[Mount]:
    """An empty file system of that size (`8m`) at `path`.

    Raises:
        CannotRun: this process may not mount.
    """
    path.mkdir(parents=True)
    try:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise CannotRun("there is no `mount` here") from error
    if done.returncode:
        raise CannotRun(f"a tmpfs cannot be mounted here (it takes root's rights): {done.stderr.strip()}")
    try:
        yield Mount(path)
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)
