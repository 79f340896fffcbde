"""One job a feed, and one for the warehouse's files. When they run, and for which partitions, others say."""

import datetime as dt

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from market_data.resources.platform import PlatformResource
from market_data.settings import Feed

_SUFFIX = "_daily"


def feed_job(feed: Feed) -> UnresolvedAssetJobDefinition:
    """Return everything that a feed has. It has no partitions of its own: its runs carry a range in their tags."""
    return dg.define_asset_job(f"{feed.name}{_SUFFIX}", dg.AssetSelection.groups(feed.name))


def feed_of(job_name: str) -> str | None:
    """Return the feed of a job of that name; None for any other job."""
    return job_name.removesuffix(_SUFFIX) if job_name.endswith(_SUFFIX) else None


@dg.op(name="compact_and_sweep", description="brings small files into one, and removes what nothing is read from")
def _compact_and_sweep(context: dg.OpExecutionContext, platform: PlatformResource) -> None:
    from market_data.operations.upkeep import compact_all, worth_compacting  # noqa: PLC0415  definitions must not wait

    today = dt.datetime.now(dt.UTC).date()
    with platform.workspace(context.run_id) as workspace:
        upkeep = workspace.settings.upkeep
        found = worth_compacting(workspace, today) if upkeep.compact else []
        done = compact_all(workspace, found, today)
        for words in (words for each in done for words in each.left_out):
            context.log.warning("left as it is: %s", words)
        removed = workspace.warehouse.sweep(upkeep.history_ns)
    files, made = sum(each.files for each in done), sum(bool(each.days) for each in done)
    context.log.info("%s files were brought into %s, and %s removed", files, made, removed)


@dg.job(name="warehouse_upkeep", description="once a day for the warehouse's files: compaction, and the end of history")
def upkeep_job() -> None:
    """Run what is done for the warehouse's files once a day."""
    _compact_and_sweep()
