"""Decoded batches into a staged file: contract, identity and order, with an account of every record.

A stream that proves itself ordered and unique is written once, in constant memory. One that does not is written as it
comes and put in order afterwards by `warehouse.external_sort`.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from market_data.domain.account import Account
from market_data.domain.contract import RECORD, contract, polars_schema
from market_data.domain.partition import Partition
from market_data.domain.ports.source import Batch, Delivery
from market_data.domain.rules import AS_IT_IS, Amendments
from market_data.domain.tables import table as table_named
from market_data.pipeline.order_check import Ascending
from market_data.warehouse.external_sort import opened
from market_data.warehouse.store import Staged

Rejected = dict[str, Any]


@dataclass(slots=True)
class Intake:
    """Takes the batches of one request and writes what the contract accepts into `staged`."""

    table: str
    partition: Partition
    delivery: Delivery
    staged: Staged
    amendments: Amendments = AS_IT_IS
    records: int = 0
    rejected: list[Rejected] = field(default_factory=list[Rejected])
    _rejected_records: list[int] = field(default_factory=list[int])
    _identity: Ascending = field(init=False)
    _order: Ascending = field(init=False)

    def __post_init__(self) -> None:
        self._identity = Ascending(self.delivery.identity, strictly=True, whole_numbers=self.delivery.running_id)
        # Rows are numbered as they come, so that `ordinal` ascends of itself.
        self._order = Ascending(tuple(name for name in self.order if name != "ordinal"))

    @property
    def order(self) -> tuple[str, ...]:
        """Return the table's order, by the delivery's clock."""
        order = table_named(self.table).order
        return tuple(self.delivery.clock if name == "ts_event" and self.delivery.clock else name for name in order)

    @property
    def in_order(self) -> bool:
        """Return whether all that was taken so far is proved ordered and unique."""
        return self._identity.holds and self._order.holds

    def take(self, batch: Batch) -> None:
        """Judge a batch; write its rows, keep the records that are none."""
        count = len(batch.frame)
        numbers = pl.int_range(self.records, self.records + count, dtype=pl.Int64, eager=True)
        frame = batch.frame.with_columns(numbers.alias(RECORD), numbers.alias("ordinal"))
        reasons = {fault.row: (fault.rule, fault.reason) for fault in reversed(batch.faults)}
        if reasons:
            frame = frame.filter(~(numbers - self.records).is_in(list(reasons)))
        rules = contract(self.delivery.schema, self.partition.date, self.delivery.clock, self.amendments)
        accepted, failure = rules.filter(frame)
        if len(accepted) < len(frame):
            reasons |= {record - self.records: why for record, why in self._broken_rules(failure.details())}
        for row in sorted(reasons):
            self._reject(batch, row, *reasons[row])
        self.records += count
        self._write(accepted)

    def finish(self, again: Iterator[Batch], into: Staged) -> tuple[Staged, Account]:
        """Return the staged file that holds the partition, and its account.

        Args:
            again: the same batches once more, for the original values of records that turn out to contradict others.
            into: takes the rows if they have to be put in order; else it is not used.
        """
        if self.in_order:
            return self.staged, self._account(self.staged, equal=0)
        self.staged.writer.close()
        with opened(self.staged.path, self.delivery, self.order) as disordered:
            repeats = disordered.repeats()
            for frame in disordered.rows(without=[*repeats.equal, *repeats.differing]):
                into.write(frame)
        self._reject_repeats(again, repeats.differing)
        return into, self._account(into, equal=len(repeats.equal))

    def _write(self, accepted: pl.DataFrame) -> None:
        if self.delivery.identity:
            # A place in the answer would change with every repeated page; a rank among the accepted does not.
            rank = pl.int_range(self.staged.writer.rows, self.staged.writer.rows + pl.len(), dtype=pl.Int64)
            accepted = accepted.with_columns(rank.alias("ordinal"))
        self._identity.see(accepted)
        self._order.see(accepted)
        self.staged.write(accepted.select(list(polars_schema(self.delivery.schema))))

    def _broken_rules(self, details: pl.DataFrame) -> Iterator[tuple[int, tuple[str, str]]]:
        """Record, and the first rule it broke with all of them in words."""
        words = {
            bound.rule: f"{bound.column} is beyond the feed's bounds: {bound.reason}"
            for bound in self.amendments.bounds
        }
        rules = [name for name, kind in details.schema.items() if isinstance(kind, pl.Enum)]
        for row in details.select(RECORD, *rules).iter_rows(named=True):
            broken = [rule for rule in rules if row[rule] == "invalid"]
            yield row[RECORD], (broken[0], "; ".join(words.get(rule) or _in_words(rule) for rule in broken))

    def _reject(self, batch: Batch, row: int, rule: str, reason: str) -> None:
        self._rejected_records.append(self.records + row)
        self.rejected.append(_quarantine_row(self.table, batch, row, rule, reason))

    def _reject_repeats(self, again: Iterator[Batch], positions: Sequence[int]) -> None:
        """Records whose identity came before with other values: the first stays, these go to quarantine."""
        wanted = set(self._records_at(positions))
        first = 0
        for batch in again if wanted else ():
            for record in sorted(wanted.intersection(range(first, first + len(batch.frame)))):
                names = ", ".join(f"{name} {batch.frame[name][record - first]}" for name in self.delivery.identity)
                reason = f"{names} came before with other values"
                self.rejected.append(_quarantine_row(self.table, batch, record - first, "identity_is_unique", reason))
            first += len(batch.frame)
        self.rejected.sort(key=lambda row: (row["landed_file"], row["record_number"]))

    def _records_at(self, positions: Sequence[int]) -> list[int]:
        """Return the records that stand at positions of the staged file, which lacks the rejected ones."""
        records: list[int] = []
        skipped = 0
        for position in sorted(positions):
            while skipped < len(self._rejected_records) and self._rejected_records[skipped] <= position + skipped:
                skipped += 1
            records.append(position + skipped)
        return records

    def _account(self, staged: Staged, equal: int) -> Account:
        ids: dict[str, int] = {}
        if self.delivery.running_id and (span := self._identity.span) is not None:
            ids = {
                "first_id": span[0],
                "last_id": span[1],
                "id_holes": span[1] - span[0] + 1 - staged.writer.rows,
            }
        rows = staged.writer.rows
        return Account(records=self.records, accepted=rows, deduplicated=equal, rejected=len(self.rejected), **ids)


def _in_words(rule: str) -> str:
    column, bar, kind = rule.partition("|")
    if bar and kind == "nullability":
        return f"{column} is missing"
    return f"{column} breaks {kind}" if bar else f"not so: {rule.replace('_', ' ')}"


def _quarantine_row(table: str, batch: Batch, row: int, rule: str, reason: str) -> Rejected:
    return {
        "table": table,
        "rule": rule,
        "reason": reason,
        "landed_file": batch.landed_file,
        "record_number": batch.first_record + row,
        "original": json.dumps(dict(batch.original(row)), default=str),
    }
