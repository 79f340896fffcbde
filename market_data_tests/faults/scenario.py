"""The port of scenarios: what one is told, and what it answers. No scenario here, and no way to count."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from market_data.domain import plugins

_SCENARIOS = "market_data_tests.faults.scenarios"


class CannotRun(Exception):
    """This machine lacks what the scenario needs; the text says what."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much a scenario does.

    Attributes:
        trades: average number a day of each symbol.
        runs: how many there are at once, where several meet.
    """

    days: int
    symbols: int
    trades: int
    runs: int

    @property
    def partitions(self) -> int:
        return self.days * self.symbols


FULL = Size(days=4, symbols=3, trades=400, runs=20)
SMALL = Size(days=4, symbols=1, trades=200, runs=3)


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of partitions of tables, counted from outside right after the fault, and after the recovery.

    Attributes:
        attempted: what the disturbed runs had to make.
        whole: counts, and is what an undisturbed run makes.
        refused: an error of ours names it, and what counted before counts still.
        left: the run ended before it got there, and what counted before counts still.
        lost: none of these.
        recovered: whole after the recovery.
        recovery: how that came about.
        words: an error of ours as it was told; empty where nothing was refused.
    """

    attempted: int
    whole: int
    refused: int
    left: int
    lost: int
    recovered: int
    recovery: str
    words: str = ""


class Scenario(Protocol):
    """One fault."""

    @property
    def name(self) -> str:
        """What happens, in a few words."""
        ...

    @property
    def how(self) -> str:
        """What is done, in a sentence."""
        ...

    def run(self, folder: Path, size: Size) -> Figures:
        """Do it, in an empty folder.

        Raises:
            CannotRun: the machine lacks what it needs.
        """
        ...


def scenarios() -> dict[str, Scenario]:
    """Every scenario, by the name of its module."""
    return {name: plugins.load(_SCENARIOS, name, "SCENARIO") for name in plugins.names(_SCENARIOS)}  # type: ignore[misc]
