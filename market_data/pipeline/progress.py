"""What a run tells while it works: a line a stage on the log, and the same as JSON lines for programs that follow it.

Not as events of the engine, which cost milliseconds each.
"""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from market_data.domain.partition import Partition
from market_data.domain.ports.check import Finding
from market_data.pipeline import logs
from market_data.pipeline.chain import Failed, Step
from market_data.pipeline.workspace import Outcome
from market_data.settings import Feed

_log = logging.getLogger("market_data.progress")
_NAMED = ("files", "bytes", "records", "accepted", "set_aside", "repeated", "rows", "findings", "not_passed", "seconds")


class Progress:
    """Counts partitions and tells of each stage: job, symbol, day, records, duration.

    Args:
        total: how many partitions the run has.
        run_id: the job.
        file: where the JSON lines go, if anywhere.
        log_format: how the log looks.
    """

    def __init__(
        self, feed: Feed, total: int, run_id: str, file: Path | None = None, log_format: logs.LogFormat = "text"
    ) -> None:
        self._feed = feed
        self._total = total
        self._run = run_id
        self._file = file
        self._done = 0
        self._whole = 0
        self._began = time.monotonic()
        logs.show(log_format)

    def step(self, partition: Partition, step: Step) -> None:
        """Tell of one table, as soon as it is done."""
        self.tell_whole()
        if isinstance(step, Failed):
            self._tell("failed", step.table, partition, {"error": str(step.error), "left_out": list(step.left_out)})
        elif isinstance(step, Outcome):
            if step.fetched:
                self._tell("fetch", step.table, partition, _fetched(step))
            self._tell("made", step.table, partition, _made(step))

    def done(self, partition: Partition, steps: Sequence[Step]) -> None:
        """Tell that a partition is through."""
        self._done += 1
        findings = [step for step in steps if isinstance(step, Finding)]
        left = (time.monotonic() - self._began) / self._done * (self._total - self._done)
        figures = {"findings": len(findings), "not_passed": sum(not finding.passed for finding in findings)}
        self._tell("checks", "quality_reports", partition, figures)
        fields = {**self._fields(partition), "stage": "done"}
        _log.info("[%d/%d, %.0f s left] %s", self._done, self._total, left, partition, extra=fields)
        self._write({"stage": "done", "partition": partition.key, "done": self._done, "total": self._total})

    def whole(self) -> None:
        """Count a partition that is left alone because it is whole."""
        self._whole += 1

    def one_more(self) -> None:
        """Count a partition to be made that was taken for whole."""
        self._total += 1

    def tell_whole(self) -> None:
        """Tell of the whole partitions that were passed since this was last done: of many at once."""
        if self._whole:
            self._write({"stage": "whole", "partitions": self._whole})
            self._whole = 0

    def _tell(self, stage: str, table: str, partition: Partition, figures: Mapping[str, Any]) -> None:
        where = f"symbol={partition.symbol} day={partition.date.isoformat()} run={self._run[:8]}"
        fields = {**self._fields(partition), "table": table, "stage": stage}
        if stage == "failed":
            _log.error("%s %s/%s %s: %s", stage, self._feed.name, table, where, figures["error"], extra=fields)
        else:
            told = " ".join(f"{name}={_plain(figures[name])}" for name in _NAMED if name in figures)
            _log.info("%s %s/%s %s %s", stage, self._feed.name, table, where, told, extra=fields)
        day = partition.date.isoformat()
        self._write({"stage": stage, "table": table, "symbol": partition.symbol, "date": day, **figures})

    def _fields(self, partition: Partition) -> dict[str, str]:
        day = partition.date.isoformat()
        return {"run": self._run, "feed": self._feed.name, "symbol": partition.symbol, "day": day}

    def _write(self, line: Mapping[str, Any]) -> None:
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


def _fetched(outcome: Outcome) -> dict[str, Any]:
    files, size = len(outcome.landed), sum(file.size_bytes for file in outcome.landed)
    return {"files": files, "bytes": size, "seconds": outcome.fetch_seconds}


def _made(outcome: Outcome) -> dict[str, Any]:
    account = outcome.revision.account
    return {
        "records": account.records,
        "accepted": account.accepted,
        "set_aside": account.rejected,
        "repeated": account.deduplicated,
        "rows": outcome.revision.rows,
        "seconds": outcome.seconds - outcome.fetch_seconds,
        "fetched": outcome.fetched,
        "changed": outcome.changed,
        "from_landing": bool(outcome.landed) and not outcome.fetched,
    }


def _plain(figure: object) -> str:
    return f"{figure:.2f}" if isinstance(figure, float) else str(figure)
