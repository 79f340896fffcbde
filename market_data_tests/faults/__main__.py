"""`make reliability`: every scenario at full size, or those named; prints a table, and writes it where asked.

`--small` does as the tests do. `--write docs/reliability.md` puts the table between the file's two marks.
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
    text = table(chosen, figures, size)
    print(text)
    if words.write is not None:
        words.write.write_text(_between(words.write.read_text(encoding="utf-8"), text), encoding="utf-8")
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


def table(chosen: Mapping[str, Scenario], figures: Mapping[str, Figures], size: Size) -> str:
    """As Markdown, below what was run."""
    lines = [
        f"{size.days} days of {size.symbols} symbols, four tables each, about {size.trades} trades a day; "
        f"{size.runs} runs where several meet.",
        "",
        _HEAD,
        "|" + " --- |" * _HEAD.count(" |"),
    ]
    return "\n".join([*lines, *(row(chosen[name], one) for name, one in figures.items())])


def row(scenario: Scenario, figures: Figures) -> str:
    """Of the table."""
    counts = (figures.attempted, figures.whole, figures.refused, figures.left, figures.lost)
    cells = (scenario.name, scenario.how, *map(str, counts), figures.recovery, str(figures.recovered))
    return f"| {' | '.join(cells)} |"


def _between(page: str, text: str) -> str:
    before, mark, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise SystemExit(f"the file has no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


if __name__ == "__main__":
    main()
