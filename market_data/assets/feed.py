"""A feed as one subsettable multi-asset. A run takes a rectangle of days and symbols, partition after partition.

One partition that fails neither loses its neighbours nor stops what depends on them: each table and check of each
partition is recorded as soon as it is done, and the run raises last, naming the bad ones.
"""

import datetime as dt
import warnings
from collections.abc import Iterator

import dagster as dg

from market_data.assets.checks import check_specs, evaluations, verdicts
from market_data.assets.freshness import policy
from market_data.assets.lineage import above
from market_data.assets.metadata import materialization
from market_data.domain.errors import OverBudget
from market_data.domain.partition import Partition
from market_data.resources.failures import bugs_are_final, failure_of
from market_data.resources.platform import PlatformResource
from market_data.settings import Feed


class FeedRun(dg.Config):
    """What may be asked of a run besides its partitions."""

    refetch: bool = False
    """Ask the vendor again although its bytes are landed."""
    allow_cost: bool = False
    """Buy although it costs more than the feed's budget."""
    retry: bool = True
    """Try partitions again by themselves, minutes later, that failed of what may pass."""


def feed_assets(feed: Feed, partitions: dg.MultiPartitionsDefinition) -> dg.AssetsDefinition:
    """The assets `<feed>/<table>` of a feed, with its checks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)  # partitioned checks are a preview, verified for our use
        checks = check_specs(feed, partitions)

    freshness = policy(feed, dt.datetime.now(dt.UTC).date())

    @dg.multi_asset(
        name=feed.name,
        specs=[_spec(feed, table, freshness) for table in feed.assets],
        check_specs=checks,
        partitions_def=partitions,
        # Without it the CLI refuses --partition-range.
        backfill_policy=dg.BackfillPolicy.single_run(),
        can_subset=True,
        pool=feed.source,
        op_tags={"source": feed.source},
        # For failures that allow it; what is done is found done, so that only the bad partitions are tried again.
        retry_policy=dg.RetryPolicy(
            max_retries=2, delay=60, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
        ),
    )
    def rectangle(
        context: dg.AssetExecutionContext, config: FeedRun, platform: PlatformResource
    ) -> Iterator[dg.AssetMaterialization | dg.AssetCheckEvaluation | dg.AssetCheckResult]:
        with bugs_are_final():
            yield from _run(context, feed, config, platform)

    return rectangle


def _spec(feed: Feed, table: str, freshness: dg.FreshnessPolicy | None) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=[feed.name, table],
        deps=[dg.AssetKey([feed.name, name]) for name in above(feed, table)],
        group_name=feed.name,
        skippable=True,
        kinds={feed.source if table in feed.tables else "polars", "parquet"},
        freshness_policy=freshness,
        description=f"{table} of {', '.join(feed.symbols)}. {feed.description}".strip(),
    )


def _run(
    context: dg.AssetExecutionContext, feed: Feed, config: FeedRun, platform: PlatformResource
) -> Iterator[dg.AssetMaterialization | dg.AssetCheckEvaluation | dg.AssetCheckResult]:
    from market_data.pipeline import chain  # noqa: PLC0415  loading definitions must not wait for polars
    from market_data.pipeline.plan import must_be_affordable  # noqa: PLC0415
    from market_data.pipeline.progress import Progress  # noqa: PLC0415

    keys = [Partition.of_key(feed.name, key) for key in context.partition_keys]
    if not keys:
        raise dg.Failure(
            "The range holds no partition: does its first symbol sort after its last?", allow_retries=False
        )
    tables = {key.path[-1] for key in context.selected_asset_keys}
    checks = {key.name for key in context.selected_asset_check_keys}
    failed: list[chain.Failed] = []
    judged: dict[str, dict[str, dg.AssetCheckSeverity | None]] = {}
    with platform.workspace(context.run.run_id, allow_cost=config.allow_cost) as workspace:
        settings = workspace.settings
        progress = Progress(feed, len(keys), workspace.run_id, settings.progress_file, settings.log_format)
        try:
            must_be_affordable(workspace, feed, keys, tables, refetch=config.refetch)
        except OverBudget as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        for partition in keys:
            steps: list[chain.Step] = []
            for step in chain.materialize(workspace, feed, partition, tables, checks, refetch=config.refetch):
                steps.append(step)
                progress.step(partition, step)
                if isinstance(step, chain.Outcome):
                    yield materialization(context.instance, workspace, feed, step)
            findings = [step for step in steps if isinstance(step, chain.Finding)]
            for evaluation in evaluations(context.instance, feed, partition, findings, checks):
                verdict = None if evaluation.passed else evaluation.severity
                judged.setdefault(evaluation.check_name, {})[str(evaluation.partition)] = verdict
                yield evaluation
            failed += [step for step in steps if isinstance(step, chain.Failed)]
            progress.done(partition, steps)
            workspace.warehouse.release()
    if failed:
        raise failure_of(failed, attempted=len(keys), may_retry=config.retry)
    yield from verdicts(feed, judged)
