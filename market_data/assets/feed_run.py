"""One run of a feed: a rectangle of days and symbols, partition after partition. What the assets are stands in `feed`.

What is whole is not made again, unless one partition was chosen by hand, or the run's configuration says so.

One partition that fails neither loses its neighbours nor stops what depends on them: each table and check of each
partition is recorded as soon as it is done, and the run raises last, naming the bad ones. A run that is told to stop
ends at the edge of a partition, and the next attempt takes the rest.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg
from dagster import DagsterEvent

from market_data.assets.checks import evaluations, verdicts
from market_data.assets.graceful_stop import GracefulStop
from market_data.assets.metadata import materialization
from market_data.assets.resume import Verdicts, earlier
from market_data.assets.whole_partitions import REPORT, WholePartitions, made_by_hand
from market_data.domain.errors import OverBudget
from market_data.domain.partition import Partition
from market_data.resources.failures import failure_of
from market_data.resources.platform import PlatformResource
from market_data.settings import Feed

if TYPE_CHECKING:
    from market_data.pipeline.chain import Failed, Step
    from market_data.pipeline.progress import Progress
    from market_data.pipeline.workspace import Workspace

_RETRY = dg.RetryPolicy(max_retries=2, delay=60, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""For failures that may pass. It is no policy of the op's, which would take a signal to stop for such a failure."""


class FeedRun(dg.Config):
    """What may be asked of a run besides its partitions."""

    refetch: bool = False
    """Ask the vendor again although its bytes are landed."""
    rebuild: bool = False
    """Make whole partitions again too: those whose inputs, configuration and code are what they were."""
    allow_cost: bool = False
    """Buy although it costs more than the feed's budget."""
    retry: bool = True
    """Try partitions again by themselves, minutes later, that failed of what may pass."""


def run(
    context: dg.AssetExecutionContext, feed: Feed, config: FeedRun, platform: PlatformResource
) -> Iterator[DagsterEvent | dg.AssetCheckResult]:
    """Make what the run selects of its partitions.

    Raises:
        Failure: of some partitions, or of the run as a whole; what was good is recorded.
        RetryRequested: the same, where it may pass.
        DagsterExecutionInterruptedError: the run was told to stop, and partitions are left.
    """
    from market_data.pipeline.plan import must_be_affordable  # noqa: PLC0415  definitions must not wait for polars
    from market_data.pipeline.progress import Progress  # noqa: PLC0415

    keys = [Partition.of_key(feed.name, key) for key in context.partition_keys]
    if not keys:
        raise dg.Failure(
            "The range holds no partition: does its first symbol sort after its last?", allow_retries=False
        )
    tables = {key.path[-1] for key in context.selected_asset_keys}
    checks = {key.name for key in context.selected_asset_check_keys}
    before = earlier(context.instance, context.run, tables, checks)
    left = [partition for partition in keys if partition.key not in before.done]
    if len(left) < len(keys):
        context.log.info(f"{len(keys) - len(left)} of {len(keys)} partitions were done by an earlier attempt")
    forced = config.rebuild or config.refetch or made_by_hand(context.run.tags)
    with platform.workspace(context.run.run_id, allow_cost=config.allow_cost) as workspace:
        settings = workspace.settings
        whole = WholePartitions(context, workspace, feed, [] if forced else left, tables, checks)
        if not forced and left:
            context.log.info(whole.words)
        wanting = [partition for partition in left if partition not in whole]
        try:
            must_be_affordable(workspace, feed, wanting, tables, refetch=config.refetch)
        except OverBudget as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        progress = Progress(feed, len(wanting), workspace.run_id, settings.progress_file, settings.log_format)
        asked = _Asked(tables, checks, config.refetch)
        attempt = _Attempt(context, workspace, feed, progress, asked, whole)
        attempt.judged = before.judged
        yield from attempt.take(left)
        if attempt.failed:
            failure = failure_of(attempt.failed, len(keys), may_retry=config.retry)
            _retry(failure, context.retry_number)
            yield from attempt.record_whole()
            raise failure
    yield from verdicts(feed, attempt.judged)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a run is to make of each partition."""

    tables: Collection[str]
    checks: Collection[str]
    refetch: bool


class _Attempt:
    """What one attempt did so far."""

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        workspace: "Workspace",
        feed: Feed,
        progress: "Progress",
        asked: _Asked,
        whole: WholePartitions,
    ) -> None:
        self._context = context
        self._workspace = workspace
        self._feed = feed
        self._progress = progress
        self._asked = asked
        self._whole = whole
        self._left_alone: list[Partition] = []
        self._made: set[Partition] = set()
        self.failed: list[Failed] = []
        self.judged = Verdicts()

    def take(self, partitions: Collection[Partition]) -> Iterator[DagsterEvent]:
        stop = GracefulStop()
        for done, partition in enumerate(partitions, start=1):
            if self._may_be_left_alone(partition):
                self._leave_alone(partition)
            else:
                with stop.held():
                    self._make(partition)
                self._made.add(partition)
            yield from self._context.consume_events()
            stop.leave(done, len(partitions))
        self._progress.tell_whole()

    def record_whole(self) -> Iterator[DagsterEvent]:
        """Record partitions that were left alone in a run that fails: Dagster would take them for failed."""
        for partition in self._left_alone:
            self._record(partition, anew=True)
            yield from self._context.consume_events()

    def _may_be_left_alone(self, partition: Partition) -> bool:
        if partition not in self._whole:
            return False
        # Candles begin with the last close of the day before, which this run may just have changed.
        if partition.day_before not in self._made or self._whole.look_again(partition):
            return True
        self._context.log.info(f"{partition} is made after all: so was the day before")
        self._progress.one_more()
        return False

    def _leave_alone(self, partition: Partition) -> None:
        self._record(partition)
        self._left_alone.append(partition)
        self._progress.whole()
        for name, verdict in self._whole.verdicts(partition):
            self.judged.setdefault(name, {})[partition.key] = verdict

    def _record(self, partition: Partition, *, anew: bool = False) -> None:
        for record in self._whole.records(partition, anew=anew):
            self._context.log_event(record)  # pyright: ignore[reportArgumentType]  it takes evaluations too

    def _make(self, partition: Partition) -> None:
        """Every table and check of a partition; events are in Dagster's log when they are logged, and not later."""
        from market_data.pipeline import chain  # noqa: PLC0415

        context, feed = self._context, self._feed
        steps: list[Step] = []
        tables, checks, refetch = self._asked.tables, self._asked.checks, self._asked.refetch
        for step in chain.materialize(self._workspace, feed, partition, tables, checks, refetch=refetch):
            steps.append(step)
            self._progress.step(partition, step)
            if isinstance(step, chain.Outcome) and step.table != REPORT:
                context.log_event(materialization(context.instance, self._workspace, feed, step))
        findings = [step for step in steps if isinstance(step, chain.Finding)]
        for evaluation in evaluations(context.instance, context.run.run_id, feed, partition, findings, checks):
            verdict = None if evaluation.passed else evaluation.severity
            self.judged.setdefault(evaluation.check_name, {})[partition.key] = verdict
            context.log_event(evaluation)  # pyright: ignore[reportArgumentType]  it takes these too
        for step in steps:  # last: who finds the report's record knows that all of the partition was recorded
            if isinstance(step, chain.Outcome) and step.table == REPORT:
                context.log_event(materialization(context.instance, self._workspace, feed, step))
        self.failed += [step for step in steps if isinstance(step, chain.Failed)]
        self._progress.done(partition, steps)
        self._workspace.warehouse.release()


def _retry(failure: dg.Failure, retry_number: int) -> None:
    """Ask for another attempt, where one may do better.

    Raises:
        RetryRequested: of Dagster.
    """
    if failure.allow_retries and retry_number < _RETRY.max_retries:
        seconds = _RETRY.calculate_delay(retry_number + 1)
        raise dg.RetryRequested(max_retries=_RETRY.max_retries, seconds_to_wait=seconds) from failure
