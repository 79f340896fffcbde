"""Scores of a partition, 0 to 1, computed from its findings and nothing else. No finding is made here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from market_data.domain.ports.check import Dimension, Finding

DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
Part = Literal["ticks", "candles", "instruments", "export"]
_PARTS: Mapping[str, Part] = {"instruments": "instruments", "candles": "candles", "vendor_candles": "candles"}
SUBJECT = "partition"
"""What stands in the column `table` of a score's row."""
_OF_A_WARNING = 0.5
"""The score of a warning that does not tell how many rows are wrong; of a graver finding it is 0."""
_ROWS = frozenset({"rows", "records", "bars", "ticks", "trades", "quotes"})
"""Units of findings that count rows of their table."""
_DIGITS = 9
"""Of a score: 0.1 + 0.2 is to read 0.3."""


class Weights(BaseModel):
    """How much a part counts; the weight of what a feed does not have is spread over the rest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ticks: float = Field(default=0.4, ge=0, allow_inf_nan=False, description="trades, quotes, statistics and books")
    candles: float = Field(default=0.3, ge=0, allow_inf_nan=False, description="candles and vendor candles")
    instruments: float = Field(default=0.2, ge=0, allow_inf_nan=False, description="instruments")
    export: float = Field(default=0.1, ge=0, allow_inf_nan=False, description="exports, for feeds that have some")


class Standard(BaseModel):
    """What a feed's partitions are held against."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    completeness: float = Field(default=0.95, ge=0, le=1, description="the least score of completeness that passes")
    quality: float = Field(default=0.90, ge=0, le=1, description="the least score of quality that passes")
    consistency: float = Field(default=0.95, ge=0, le=1, description="the least score of consistency that passes")
    weights: Weights = Weights()


@dataclass(frozen=True, slots=True)
class Scores:
    """Of one partition; None where nothing was judged.

    Attributes:
        parts: by dimension and part, what each dimension's score is the weighted mean of.
        whole: the weighted mean of the parts' own means over the dimensions.
        passed: whether no dimension lies below its threshold.
    """

    dimensions: Mapping[Dimension, float | None]
    parts: Mapping[Dimension, Mapping[Part, float]]
    whole: float | None
    passed: bool

    @property
    def notes(self) -> dict[str, float | None]:
        """For the ledger."""
        return {**self.dimensions, "whole": self.whole}


def scores(
    findings: Iterable[Finding], dimension_of: Mapping[str, Dimension], standard: Standard, rows: Mapping[str, int]
) -> Scores:
    """Return the scores of a partition.

    A part's score in a dimension is the mean of its findings' own.

    Args:
        dimension_of: the dimension of each check.
        rows: how many each table has.
    """
    found: dict[Dimension, dict[Part, list[float]]] = {dimension: {} for dimension in DIMENSIONS}
    for finding in findings:
        part: Part = _PARTS.get(finding.table, "ticks")
        found[dimension_of[finding.check]].setdefault(part, []).append(score_of(finding, rows.get(finding.table, 0)))
    parts: dict[Dimension, dict[Part, float]] = {
        dimension: {part: _mean(each) for part, each in found[dimension].items()} for dimension in DIMENSIONS
    }
    dimensions: dict[Dimension, float | None] = {each: _weighted(parts[each], standard.weights) for each in DIMENSIONS}
    over_dimensions: dict[Part, list[float]] = {}
    for by_part in parts.values():
        for part, score in by_part.items():
            over_dimensions.setdefault(part, []).append(score)
    means: dict[Part, float] = {part: _mean(each) for part, each in over_dimensions.items()}
    passed = all(_reached(dimensions[each], getattr(standard, each)) for each in DIMENSIONS)
    return Scores(dimensions, parts, _weighted(means, standard.weights), passed)


def _reached(score: float | None, threshold: float) -> bool:
    return score is None or score >= threshold


def score_of(finding: Finding, rows: int) -> float:
    """Return how good what one finding judged is, 0 to 1.

    One that passes is 1. Of one that does not, the share of the table's rows that are wrong is taken off, where that is
    what it measured; else a warning is a half, and what is graver nothing.
    """
    if finding.passed:
        return 1.0
    measured, unit = finding.measured or 0.0, str(finding.detail.get("unit", ""))
    if unit.startswith("share of "):
        return 1.0 - min(max(measured, 0.0), 1.0)
    if unit in _ROWS and rows:
        return 1.0 - min(measured / rows, 1.0)
    return _OF_A_WARNING if finding.severity in ("info", "warning") else 0.0


def as_findings(found: Scores, standard: Standard) -> list[Finding]:
    """Return the scores as rows of a report: one a dimension, and the whole."""
    rows = [
        _row(f"score_{dimension}", found.dimensions[dimension], getattr(standard, dimension), found.parts[dimension])
        for dimension in DIMENSIONS
    ]
    whole = {dimension: score for dimension, score in found.dimensions.items() if score is not None}
    severity = "info" if found.passed else "warning"
    return [*rows, Finding(SUBJECT, "score", found.passed, severity, found.whole, None, {"unit": "score", **whole})]


def _row(name: str, score: float | None, threshold: float, parts: Mapping[Part, float]) -> Finding:
    passed = _reached(score, threshold)
    detail = {"unit": "score", **parts} if parts else {"note": "nothing was judged"}
    return Finding(SUBJECT, name, passed, "info" if passed else "warning", score, threshold, detail)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _weighted(by_part: Mapping[Part, float], weights: Weights) -> float | None:
    total = sum(getattr(weights, part) for part in by_part)
    weighted = sum(getattr(weights, part) * score for part, score in by_part.items())
    return round(weighted / total, _DIGITS) if total else None
