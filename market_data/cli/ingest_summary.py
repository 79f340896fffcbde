"""What a run did, added up from its lines of progress: what was fetched, accepted, set aside, there already."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from market_data.cli.console import shown_size

if TYPE_CHECKING:
    from rich.console import Console

    from market_data.cli.dagster_runs import Materialize, Stopped

_SHOWN_FAILURES = 20
_SHOWN = ("fetched", "there", "accepted", "set_aside", "repeated", "new", "failed")


@dataclass(slots=True)
class TableSummary:
    """One table. Days of a symbol, and records.

    Attributes:
        fetched: days for which the vendor was asked.
        there: days whose bytes were landed already.
        new: days that have a new revision now.
    """

    fetched: int = 0
    there: int = 0
    records: int = 0
    accepted: int = 0
    set_aside: int = 0
    repeated: int = 0
    rows: int = 0
    new: int = 0
    failed: int = 0

    def take(self, line: Mapping[str, Any]) -> None:
        """Count one day of one symbol."""
        if line["stage"] == "failed":
            self.failed += 1
            return
        self.fetched += line["fetched"]
        self.there += line["from_landing"]
        self.new += line["changed"]
        for name in ("records", "accepted", "set_aside", "repeated", "rows"):
            setattr(self, name, getattr(self, name) + line[name])


@dataclass(slots=True)
class Summary:
    """Everything a run told.

    Attributes:
        total: partitions there are to do.
        done: partitions that are through, good or bad.
        whole: those of them that were whole, and were not made again.
        exit_codes: of Dagster, a run each.
        stopped: somebody ended it before its end.
    """

    total: int
    done: int = 0
    whole: int = 0
    not_passed: int = 0
    fetched_bytes: int = 0
    tables: dict[str, TableSummary] = field(default_factory=dict[str, TableSummary])
    errors: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    exit_codes: list[int] = field(default_factory=list[int])
    stopped: "Stopped | None" = None
    began: float = 0.0

    def take(self, line: Mapping[str, Any]) -> None:
        """Add a line of progress."""
        self.began = self.began or time.monotonic()
        stage = line["stage"]
        if stage == "done":
            self.done += 1
        elif stage == "whole":
            self.done += line["partitions"]
            self.whole += line["partitions"]
        elif stage == "checks":
            self.not_passed += line["not_passed"]
        elif stage == "fetch":
            self.fetched_bytes += line["bytes"]
        else:
            self.tables.setdefault(line["table"], TableSummary()).take(line)
            if stage == "failed":
                partition = f"{line['table']} {line['symbol']} {line['date']}"
                self.errors.setdefault(line["error"], []).append(partition)

    @property
    def failed(self) -> bool:
        """Return whether anything went wrong: a partition, or a run as a whole."""
        return bool(self.errors) or any(self.exit_codes)

    @property
    def rate(self) -> str:
        """Return rows a second so far, of what was fetched or read."""
        seconds = max(time.monotonic() - self.began, 1e-9)
        rows = sum(table.rows for name, table in self.tables.items() if name not in ("candles", "quality_reports"))
        return f"{rows / seconds:,.0f} rows/s"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "partitions": {"done": self.done, "total": self.total, "whole": self.whole},
            "findings_not_passed": self.not_passed,
            "fetched_bytes": self.fetched_bytes,
            "tables": {name: asdict(table) for name, table in self.tables.items()},
            "errors": [{"error": error, "partitions": where} for error, where in self.errors.items()],
        }

    def show(self, console: "Console") -> None:
        """As a table, with what it amounts to below."""
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        table.add_column("table", no_wrap=True)
        for head in _SHOWN:
            table.add_column(head.replace("_", " "), justify="right", no_wrap=True)
        for name, figures in self.tables.items():
            table.add_row(name, *(f"{getattr(figures, head):,}" for head in _SHOWN))
        if self.tables:
            console.print(table)
        whole = f" ({self.whole} whole already)" if self.whole else ""
        console.print(
            f"{self.done} of {self.total} partitions{whole}, {shown_size(self.fetched_bytes)} fetched, {self.rate}, "
            f"{self.not_passed} findings not passed"
        )

    def failure(self, runs: "Materialize") -> str:
        """Return why, each cause once; without a cause of a partition's own the end of Dagster's log."""
        if not self.errors:
            return runs.last_words()
        lines: list[str] = []
        for error, where in list(self.errors.items())[:_SHOWN_FAILURES]:
            span = where[0] if len(where) == 1 else f"{len(where)} times, {where[0]} to {where[-1]}"
            lines.append(f"{span}: {error}")
        if len(self.errors) > _SHOWN_FAILURES:
            lines.append(f"... and {len(self.errors) - _SHOWN_FAILURES} more causes")
        return "\n".join((*lines, f"the log is {runs.log}"))
