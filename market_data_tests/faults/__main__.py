"""`make reliability`: every scenario at full size, or those named; prints a table, and writes it where asked.

`--small` does as the tests do. `--write docs/reliability.md` puts the table between the file's two marks, where rows of
scenarios that were not run stay as they are.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from market_data_tests.faults.scenario import FULL, SMALL, CannotRun, Figures, Scenario, Size, scenarios

BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
_HEAD = "| fault | what was done | attempted | whole | refused | left | lost | recovery | whole after it |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m market_data_tests.faults", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"out of {', '.join(scenarios())}; default: all")
    parser.add_argument("--small", action="store_true", help="as small as in the tests")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table into this file, too")
    words = parser.parse_args()
    chosen = {name: found for name, found in scenarios().items() if not words.names or name in words.names}
    size = SMALL if words.small else FULL
    figures = dict(_run(chosen, size))
    rows = {chosen[name].name: row(chosen[name], one) for name, one in figures.items()}
    print(table(rows, size))
    if words.write is not None:
        before, kept, after = _parts(words.write.read_text(encoding="utf-8"))
        rows = {one.name: (kept | rows)[one.name] for one in scenarios().values() if one.name in kept | rows}
        words.write.write_text(f"{before}{BEGIN}\n\n{table(rows, size)}\n\n{END}{after}", encoding="utf-8")
    if any(one.lost for one in figures.values()):
        raise SystemExit("something is lost")


def _run(chosen: Mapping[str, Scenario], size: Size) -> Iterator[tuple[str, Figures]]:
    for name, scenario in chosen.items():
        print(f"== {name}", flush=True)
        with tempfile.TemporaryDirectory(prefix="market-data-faults-") as folder:
            try:
                figures = scenario.run(Path(folder), size)
            except CannotRun as reason:
                print(f"not run: {reason}", flush=True)
                continue
        print(row(scenario, figures), flush=True)
        if figures.words:
            print(f"it said: {figures.words}", flush=True)
        yield name, figures


def table(rows: Mapping[str, str], size: Size) -> str:
    """As Markdown, below what was run."""
    lines = [
        f"{size.days} days of {size.symbols} symbols, four tables each, about {size.trades} trades a day; "
        f"{size.runs} runs where several meet.",
        "",
        _HEAD,
        "|" + " --- |" * _HEAD.count(" |"),
    ]
    return "\n".join([*lines, *rows.values()])


def row(scenario: Scenario, figures: Figures) -> str:
    """Of the table."""
    counts = (figures.attempted, figures.whole, figures.refused, figures.left, figures.lost)
    cells = (scenario.name, scenario.how, *map(str, counts), figures.recovery, str(figures.recovered))
    return f"| {' | '.join(cells)} |"


def _parts(page: str) -> tuple[str, dict[str, str], str]:
    """What stands before the table, its rows by scenario, and what stands behind it."""
    before, mark, rest = page.partition(BEGIN)
    old, end, after = rest.partition(END)
    if not mark or not end:
        raise SystemExit(f"the file has no {BEGIN} and {END}")
    return (
        before,
        {line.split(" | ")[0].removeprefix("| "): line for line in old.splitlines() if line[:2] == "| "},
        after,
    )


if __name__ == "__main__":
    main()
