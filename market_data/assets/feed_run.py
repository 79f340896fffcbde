"""One run of a feed: a rectangle of days and symbols, partition after partition. What the assets are stands in `feed`.

One partition that fails neither loses its neighbours nor stops what depends on them: each table and check of each
partition is recorded as soon as it is done, and the run raises last, naming the bad ones. A run that is told to stop
ends at the edge of a partition, and the next attempt takes the rest.
"""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

import dagster as dg
from dagster import DagsterEvent

from market_data.assets.checks import evaluations, verdicts
from market_data.assets.graceful_stop import GracefulStop
from market_data.assets.metadata import materialization
from market_data.assets.resume import Verdicts, earlier
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
    with platform.workspace(context.run.run_id, allow_cost=config.allow_cost) as workspace:
        settings = workspace.settings
        try:
            must_be_affordable(workspace, feed, left, tables, refetch=config.refetch)
        except OverBudget as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        progress = Progress(feed, len(left), workspace.run_id, settings.progress_file, settings.log_format)
        attempt = _Attempt(context, workspace, feed, progress, tables, checks, refetch=config.refetch)
        attempt.judged = before.judged
        yield from attempt.take(left)
    if attempt.failed:
        _raise(attempt.failed, len(keys), context.retry_number, may_retry=config.retry)
    yield from verdicts(feed, attempt.judged)


class _Attempt:
    """What one attempt did so far."""

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        workspace: "Workspace",
        feed: Feed,
        progress: "Progress",
        tables: Collection[str],
        checks: Collection[str],
        *,
        refetch: bool,
    ) -> None:
        self._context = context
        self._workspace = workspace
        self._feed = feed
        self._progress = progress
        self._tables = tables
        self._checks = checks
        self._refetch = refetch
        self.failed: list[Failed] = []
        self.judged = Verdicts()

    def take(self, partitions: Collection[Partition]) -> Iterator[DagsterEvent]:
        stop = GracefulStop()
        for done, partition in enumerate(partitions, start=1):
            with stop.held():
                self._make(partition)
            yield from self._context.consume_events()
            stop.leave(done, len(partitions))

    def _make(self, partition: Partition) -> None:
        """Every table and check of a partition; events are in Dagster's log when they are logged, and not later."""
        from market_data.pipeline import chain  # noqa: PLC0415

        context, feed = self._context, self._feed
        steps: list[Step] = []
        for step in chain.materialize(
            self._workspace, feed, partition, self._tables, self._checks, refetch=self._refetch
        ):
            steps.append(step)
            self._progress.step(partition, step)
            if isinstance(step, chain.Outcome):
                context.log_event(materialization(context.instance, self._workspace, feed, step))
        findings = [step for step in steps if isinstance(step, chain.Finding)]
        for evaluation in evaluations(context.instance, context.run.run_id, feed, partition, findings, self._checks):
            verdict = None if evaluation.passed else evaluation.severity
            self.judged.setdefault(evaluation.check_name, {})[partition.key] = verdict
            context.log_event(evaluation)  # pyright: ignore[reportArgumentType]  it takes these too
        self.failed += [step for step in steps if isinstance(step, chain.Failed)]
        self._progress.done(partition, steps)
        self._workspace.warehouse.release()


def _raise(failed: "list[Failed]", attempted: int, retry_number: int, *, may_retry: bool) -> None:
    failure = failure_of(failed, attempted, may_retry=may_retry)
    if failure.allow_retries and retry_number < _RETRY.max_retries:
        seconds = _RETRY.calculate_delay(retry_number + 1)
        raise dg.RetryRequested(max_retries=_RETRY.max_retries, seconds_to_wait=seconds) from failure
    raise failure
