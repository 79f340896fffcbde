"""What the checks found of the defects, and the tables of docs/quality.md that tell of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from market_data.domain.checks import check, check_names
from market_data.domain.ports.check import Finding
from market_data_tests.partition_view import MemoryView
from market_data_tests.planted.changes import Planted, places_in, scaled, setting, with_rows
from market_data_tests.planted.defects import DEFECTS
from market_data_tests.planted.week import DAYS, ILLIQUID, clean_day, halt

_GRADED, _OFF = (3_000, 300, 60), ("1.005", "1.011", "1.015", "1.02", "1.03", "1.05", "1.1")
Found = dict[tuple[str, str], float]
"""What failed, by check and by table with its rule: the figure that was measured."""


def found(view: MemoryView) -> Found:
    """What fails of all checks of a day."""
    failed = [finding for name in check_names() for finding in check(name).run(view) if not finding.passed]
    return {(finding.check, _rule(finding)): finding.measured or 0.0 for finding in failed}


def _rule(finding: Finding) -> str:
    rule = finding.detail.get("rule", finding.detail.get("timeframe", ""))
    return f"{finding.table} {rule}".strip()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was planted on a day, and everything that failed of it."""

    planted: Planted
    found: Found


@cache
def verdict(name: str) -> Verdict:
    """One defect, on a day of its own of the week."""
    planted = DEFECTS[name](clean_day(list(DEFECTS).index(name) % DAYS))
    return Verdict(planted, found(planted.view))


@cache
def clean_findings() -> tuple[Found, ...]:
    """What fails where nothing is planted: the week, days of illiquid symbols, and a halt."""
    illiquid = [clean_day(day, count) for count in ILLIQUID for day in range(3)]
    return tuple(found(view) for view in (*(clean_day(day) for day in range(DAYS)), *illiquid, halt(clean_day(1))))


def tables() -> str:
    """The tables of docs/quality.md: each defect, each check's precision and recall, how weak a defect may be."""
    verdicts = {name: verdict(name) for name in DEFECTS}
    head = ["| check | planted on a day | finding | planted | measured |", "| --- | --- | --- | --- | --- |"]
    rows = [_defect_row(name, of) for name, of in sorted(verdicts.items(), key=lambda each: each[1].planted.check)]
    checks = [
        "| check | days planted | found | false alarms | precision | recall |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    checks += [_check_row(name, list(verdicts.values())) for name in check_names()]
    return "\n".join([*head, *rows, "", *checks, "", *_graded()])


def _graded() -> Iterator[str]:
    """Which share of five bad prices is found, by how far off they are and how often the symbol trades."""
    yield f"| prices off by | {' | '.join(f'{count:,} trades a day' for count in _GRADED)} |"
    yield f"|{' --- |' * (len(_GRADED) + 1)}"
    for off in _OFF:
        shares = [f"{_recall(count, off):.2f}" for count in _GRADED]
        yield f"| {100 * (float(off) - 1):.4g} % | {' | '.join(shares)} |"


def _recall(trades_per_day: int, off: str) -> float:
    view = clean_day(2, trades_per_day)
    rows, places = view.rows["trades"], places_in(view.rows["trades"], 5)
    bad = with_rows(view, "trades", setting(price=scaled("price", off))(rows, places))
    outliers = [each for each in check("prices").run(bad) if each.detail.get("rule") == "outliers"]
    shown = {row["ordinal"] for each in outliers for row in each.detail["first"]}
    return len(shown & set(places)) / len(places)


def _defect_row(name: str, of: Verdict) -> str:
    measured = of.found.get((of.planted.check, of.planted.rule))
    figure = "nothing" if measured is None else f"{measured:.4g}"
    return f"| `{of.planted.check}` | {name} | {of.planted.rule} | {of.planted.count:.4g} | {figure} |"


def _check_row(name: str, verdicts: Sequence[Verdict]) -> str:
    mine = [each for each in verdicts if each.planted.check == name]
    hits = sum((name, each.planted.rule) in each.found for each in mine)
    expected = {id(each): (name, each.planted.rule) for each in mine}
    false = sum(key[0] == name and key != expected.get(id(each)) for each in verdicts for key in each.found)
    false += sum(key[0] == name for found_there in clean_findings() for key in found_there)
    precision = hits / (hits + false) if hits + false else 0.0
    return f"| `{name}` | {len(mine)} | {hits} | {false} | {precision:.2f} | {hits / len(mine):.2f} |"
