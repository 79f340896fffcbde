"""Dagster's face of the domain's checks: one asset check a family, its evaluations by partition."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, cast

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

from market_data.assets.recorded import latest
from market_data.domain.checks import check
from market_data.domain.partition import Partition
from market_data.domain.ports.check import Finding
from market_data.settings import Feed

_SHOWN = 8
_LONGEST, _LONGEST_PASSED = 600, 120
"""Characters that are told of a finding; Dagster keeps each evaluation three times."""
_SUBJECT = ("timeframe", "rule")
"""Keys of a detail that say which of a table's findings it is."""


def check_specs(feed: Feed, partitions: dg.PartitionsDefinition[str]) -> list[dg.AssetCheckSpec]:
    """Return one spec for each check that applies to the feed."""
    return [
        dg.AssetCheckSpec(name, asset=[feed.name, table], partitions_def=partitions, description=_summary(name))
        for name, table in feed.judged_by.items()
    ]


def evaluations(
    instance: dg.DagsterInstance,
    run_id: str,
    feed: Feed,
    partition: Partition,
    findings: Sequence[Finding],
    selected: Collection[str],
) -> Iterator[dg.AssetCheckEvaluation]:
    """Yield one evaluation for each selected check that said something of the partition."""
    key = partition.key
    judged = {name: table for name, table in feed.judged_by.items() if name in selected}
    targets = {table: _target(instance, run_id, dg.AssetKey([feed.name, table]), key) for table in {*judged.values()}}
    for name, table in judged.items():
        said = sorted((finding for finding in findings if finding.check == name), key=lambda finding: finding.passed)
        if said:
            grave = any(finding.severity in {"error", "critical"} for finding in said if not finding.passed)
            yield dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey([feed.name, table]),
                check_name=name,
                passed=all(finding.passed for finding in said),
                severity=dg.AssetCheckSeverity.ERROR if grave else dg.AssetCheckSeverity.WARN,
                description=_headline(said),
                metadata=_in_words(said),
                partition=key,
                target_materialization_data=targets[table],
            )


def verdicts(
    feed: Feed, judged: Mapping[str, Mapping[str, dg.AssetCheckSeverity | None]]
) -> Iterator[dg.AssetCheckResult]:
    """Yield the result that Dagster requires of each check at the end of a run, over all its partitions.

    Args:
        judged: by check and partition, how grave it is; None where it passed.
    """
    shown = feed.judged_by
    for name, partitions in judged.items():
        failed = {partition: severity for partition, severity in partitions.items() if severity is not None}
        grave = dg.AssetCheckSeverity.ERROR in failed.values()
        named = f": {', '.join(list(failed)[:_SHOWN])}{', ...' if len(failed) > _SHOWN else ''}" if failed else ""
        yield dg.AssetCheckResult(
            asset_key=dg.AssetKey([feed.name, shown[name]]),
            check_name=name,
            passed=not failed,
            severity=dg.AssetCheckSeverity.ERROR if grave else dg.AssetCheckSeverity.WARN,
            description=f"{len(failed)} of {len(partitions)} partitions of the run failed{named}",
            metadata={"failed_partitions": len(failed), "partitions": len(partitions)},
        )


def _target(
    instance: dg.DagsterInstance, run_id: str, asset: dg.AssetKey, partition: str
) -> AssetCheckEvaluationTargetMaterializationData | None:
    """Return the materialization that is judged; without it Dagster takes the check for missing."""
    record = latest(instance, asset, partition, run_id)
    if record is None:
        return None
    return AssetCheckEvaluationTargetMaterializationData(
        storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
    )


def _headline(findings: Sequence[Finding]) -> str:
    failed = [f"{_subject(finding)}: {_figure(finding)}" for finding in findings if not finding.passed]
    return "; ".join(failed) or f"{', '.join(_subject(finding) for finding in findings)}: passed"


def _subject(finding: Finding) -> str:
    return " ".join([finding.table, *(str(finding.detail[key]) for key in _SUBJECT if key in finding.detail)])


def _in_words(findings: Sequence[Finding]) -> dict[str, str]:
    """Return a line a finding. All of it, the zeros too, stands in `quality_reports`."""
    words: dict[str, str] = {}
    for number, finding in enumerate(findings[:_SHOWN], start=1):
        verdict = "passed" if finding.passed else finding.severity
        told = "; ".join([verdict, _figure(finding), *_told(finding.detail)])
        words[f"{number} {_subject(finding)}"] = told[: _LONGEST_PASSED if finding.passed else _LONGEST]
    if len(findings) > _SHOWN:
        words["more"] = f"{len(findings) - _SHOWN} more in quality_reports"
    return words


def _figure(finding: Finding) -> str:
    limit = "" if finding.threshold is None else f" (threshold {finding.threshold:g})"
    unit = finding.detail.get("unit", "")
    return "" if finding.measured is None else f"{round(finding.measured, 3):,.15g} {unit}{limit}"


def _told(detail: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is not zero, empty or absent; of several offending rows the first."""
    for name, value in detail.items():
        if not value or name in {"unit", *_SUBJECT}:
            continue
        first = value[0] if isinstance(value, list) else value
        if isinstance(first, Mapping):
            inner = ", ".join(_told(cast("Mapping[str, Any]", first)))
            if inner:
                yield f"{name} ({inner})"
        elif isinstance(value, list):
            yield f"{name} {', '.join(map(str, cast('list[object]', value)))}"
        else:
            yield name if value is True else f"{name} {value}"


def _summary(name: str) -> str:
    return (type(check(name)).__doc__ or name).strip().partition("\n")[0]
