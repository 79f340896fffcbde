"""A feed as one subsettable multi-asset: its tables, checks, partitions, pool. What a run of it does: `rectangle`."""

import datetime as dt
import warnings
from collections.abc import Iterator

import dagster as dg
from dagster import DagsterEvent

from market_data.assets.checks import check_specs
from market_data.assets.feed_run import FeedRun, run
from market_data.assets.freshness import policy
from market_data.assets.lineage import above
from market_data.resources.failures import bugs_are_told
from market_data.resources.platform import PlatformResource
from market_data.settings import Feed


def feed_assets(feed: Feed, partitions: dg.MultiPartitionsDefinition) -> dg.AssetsDefinition:
    """Return the assets `<feed>/<table>` of a feed, with its checks."""
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
    )
    def rectangle(
        context: dg.AssetExecutionContext, config: FeedRun, platform: PlatformResource
    ) -> Iterator[DagsterEvent | dg.AssetCheckResult]:
        with bugs_are_told():
            yield from run(context, feed, config, platform)

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
