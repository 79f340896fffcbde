"""One job a feed, which schedules and sensors ask for. When it runs, and for which partitions, is theirs to say."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from market_data.settings import Feed

_SUFFIX = "_daily"


def feed_job(feed: Feed) -> UnresolvedAssetJobDefinition:
    """Everything that a feed has. It has no partitions of its own: its runs carry a range in their tags."""
    return dg.define_asset_job(f"{feed.name}{_SUFFIX}", dg.AssetSelection.groups(feed.name))


def feed_of(job_name: str) -> str | None:
    """The feed of a job of that name; None for any other job."""
    return job_name.removesuffix(_SUFFIX) if job_name.endswith(_SUFFIX) else None
