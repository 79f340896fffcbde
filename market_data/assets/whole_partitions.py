"""Partitions of a run that are whole: what was said of them, and records for Dagster where it lacks them.

Nothing is made here. What is whole, `pipeline.whole` decides by one look for the whole run.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.storage.tags import BACKFILL_ID_TAG, PARTITION_NAME_TAG

from market_data.assets.announce import versions
from market_data.assets.checks import evaluations
from market_data.assets.metadata import materialization
from market_data.domain.partition import Partition
from market_data.settings import Feed

if TYPE_CHECKING:
    from market_data.ledger.revision import Revision
    from market_data.pipeline.recipe import Why
    from market_data.pipeline.whole import Look
    from market_data.pipeline.workspace import Workspace

REPORT = "quality_reports"
_GRAVE = {"error", "critical"}


def made_by_hand(tags: Mapping[str, str]) -> bool:
    """Return whether a run is of one partition that somebody chose: whoever does that wants it made."""
    return PARTITION_NAME_TAG in tags and BACKFILL_ID_TAG not in tags


def recorded(
    instance: dg.DagsterInstance, look: "Look", feed: Feed, partitions: Sequence[Partition], tables: Collection[str]
) -> set[Partition]:
    """Return those of some whole partitions of which an instance has a record: a run would have nothing to do."""
    known = _known_of(instance, feed, partitions, tables)
    return {partition for partition in partitions if not _unknown(look, feed, partition, tables, known)}


def _known_of(
    instance: dg.DagsterInstance, feed: Feed, partitions: Sequence[Partition], tables: Collection[str]
) -> Mapping[str, Mapping[str, str]]:
    """Return by table and partition the version that an instance knows as the latest."""
    keys = [partition.key for partition in partitions]
    return {table: versions(instance, dg.AssetKey([feed.name, table]), keys) for table in tables}


def _unknown(
    look: "Look",
    feed: Feed,
    partition: Partition,
    tables: Collection[str],
    known: Mapping[str, Mapping[str, str]],
) -> list[str]:
    """Return the tables whose current revision is not known as the latest of the partition."""
    kept = {table: look.kept(table, partition) for table in feed.assets if table in tables}
    return [
        table
        for table, each in kept.items()
        if each is not None and each.sha256 != known.get(table, {}).get(partition.key)
    ]


class WholePartitions:
    """The partitions of a run that are whole.

    Args:
        tables: those that the run is asked for.
        checks: likewise.
    """

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        workspace: "Workspace",
        feed: Feed,
        partitions: Sequence[Partition],
        tables: Collection[str],
        checks: Collection[str],
    ) -> None:
        self._instance = context.instance
        self._run_id = context.run.run_id
        self._workspace = workspace
        self._feed = feed
        self._tables = tables
        self._checks = [name for name in feed.judged_by if name in checks]
        # What checks said is kept in the report: without a whole one they have to be run.
        self._looked_at = {*tables, *([REPORT] if self._checks else [])}
        look, self.why = self._look(partitions)
        self._looks = {partition: look for partition, why in self.why.items() if why is None}
        # A backfill ends well only if its own runs record all of its partitions.
        told_by_others = BACKFILL_ID_TAG not in context.run.tags
        self._known = _known_of(self._instance, feed, list(self._looks), tables) if told_by_others else {}

    def __contains__(self, partition: Partition) -> bool:
        return partition in self._looks

    def __len__(self) -> int:
        return len(self._looks)

    @property
    def words(self) -> str:
        """Return how many are whole, and why the others are not."""
        reasons = Counter(why for why in self.why.values() if why is not None)
        others = "".join(f"; {count} {'are' if count > 1 else 'is'} {why}" for why, count in reasons.most_common())
        return f"{len(self)} of {len(self.why)} partitions are whole and are not made again{others}"

    def look_again(self, partition: Partition) -> bool:
        """Return whether a partition that was whole still is, now that the day before it was made again."""
        look, why = self._look([partition])
        if why[partition] is not None:
            del self._looks[partition]
            return False
        self._looks[partition] = look
        return True

    def verdicts(self, partition: Partition) -> Iterator[tuple[str, dg.AssetCheckSeverity | None]]:
        """Yield what each check said of a partition; None where it passed. By the ledger: no file is read."""
        report = self._looks[partition].kept(REPORT, partition)
        failures: dict[str, set[str]] = {}
        for name, _, severity in report.notes["failures"] if report is not None else ():
            failures.setdefault(name, set()).add(severity)
        for name in self._checks:
            grave = dg.AssetCheckSeverity.ERROR if _GRAVE & failures.get(name, set()) else dg.AssetCheckSeverity.WARN
            yield name, grave if name in failures else None

    def _unknown(self, partition: Partition, *, anew: bool) -> list[str]:
        known = {} if anew else self._known
        return _unknown(self._looks[partition], self._feed, partition, self._tables, known)

    def records(
        self, partition: Partition, *, anew: bool = False
    ) -> Iterator[dg.AssetMaterialization | dg.AssetCheckEvaluation]:
        """Yield what this instance lacks of a partition: materializations, evaluations, and the report's last.

        In that order, so that who knows the report's knows all of it. Checks are evaluated anew where any table is
        recorded anew: Dagster holds one for old that was made before its table.

        Args:
            anew: whatever the instance knows.
        """
        from market_data.pipeline.quality import findings_in  # noqa: PLC0415  definitions must not wait for polars
        from market_data.pipeline.workspace import Outcome  # noqa: PLC0415

        unknown = self._unknown(partition, anew=anew)
        if not unknown:
            return
        current = {each.table: each for each in self._revisions(partition)}
        told = [Outcome(table, current[table], changed=False) for table in unknown if table in current]
        for outcome in (each for each in told if each.table != REPORT):
            yield materialization(self._instance, self._workspace, self._feed, outcome)
        if self._checks and REPORT in current:
            findings = findings_in(self._workspace, current[REPORT])
            yield from evaluations(self._instance, self._run_id, self._feed, partition, findings, self._checks)
        for outcome in (each for each in told if each.table == REPORT):
            yield materialization(self._instance, self._workspace, self._feed, outcome)
        self._workspace.warehouse.release()

    def _look(self, partitions: Sequence[Partition]) -> "tuple[Look, dict[Partition, Why | None]]":
        from market_data.pipeline.whole import whole  # noqa: PLC0415

        return whole(self._workspace, self._feed, partitions, self._looked_at)

    def _revisions(self, partition: Partition) -> "list[Revision]":
        from market_data.ledger.revision import within  # noqa: PLC0415

        return self._workspace.ledger.find(*within(partition))
