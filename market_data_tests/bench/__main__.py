"""`make bench`: every measurement, or those named; prints a line each and writes nothing into the project."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from market_data_tests.bench import (
    at_size,
    books,
    candles,
    ccxt,
    checks,
    compaction,
    databento,
    intake,
    keyspaces,
    long_range,
    queries,
    rectangle,
    startup,
    tardis,
    whole,
)

PARTS = {
    "intake": intake.run,
    "candles": candles.run,
    "rectangle": rectangle.run,
    "long_range": long_range.run,
    "databento": databento.run,
    "ccxt": ccxt.run,
    "tardis": tardis.run,
    "books": books.run,
    "checks": checks.run,
    "compaction": compaction.run,
    "startup": startup.run,
    "keyspaces": keyspaces.run,
    "whole": whole.run,
    "at_size": at_size.run,
    "queries": queries.run,
}


def main(names: list[str]) -> None:
    for name in names or PARTS:
        print(f"== {name}", flush=True)
        for figure, value in flat(PARTS[name]()):
            print(f"{figure:>44}  {value:,.3f}" if isinstance(value, float) else f"{figure:>44}  {value:,}", flush=True)


def flat(figures: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, float | int]]:
    for name, value in figures.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{above}{name}: ")  # pyright: ignore[reportUnknownArgumentType]
        else:
            yield above + name, value


if __name__ == "__main__":
    main(sys.argv[1:])
