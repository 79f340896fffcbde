"""Locks tell living processes from dead ones, and one process at a time goes on."""

import subprocess
import sys
from pathlib import Path

import pytest

from market_data.domain.errors import PartitionBusy
from market_data.storage.locks import held, is_held, remove_if_free

HOLDER = """
import sys, time
from pathlib import Path
from market_data.storage.locks import held
with held(Path(sys.argv[1]), "a test"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_of_a_living_process_is_held_and_of_a_killed_one_is_free(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert is_held(path)
        assert not remove_if_free(path)
        with (
            pytest.raises(PartitionBusy, match="fetch it: another process is at it"),
            held(path, "fetch it", seconds=0),
        ):
            pass
        holder.kill()
    assert not is_held(path)
    assert remove_if_free(path)
    assert not path.exists()


def test_a_lock_that_nobody_ever_took_is_free(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "never.lock")


def test_a_lock_is_free_again_after_the_block(tmp_path: Path) -> None:
    with held(tmp_path / "a.lock", "a test"):
        assert is_held(tmp_path / "a.lock")
    assert not is_held(tmp_path / "a.lock")
