"""The daily collection: every feed's yesterday, in one run a feed."""

import datetime as dt

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from market_data.automation.partitions import range_tags
from market_data.settings import Feed
from market_data.settings.calendar import has_session

DAILY = "0 9 * * *"
"""09:00 UTC: vendors have published the day by then (Tardis about 06:00)."""


def daily_schedule(feed: Feed, job: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """Yesterday of all symbols, each day at 09:00 UTC; days that the feed does not have are skipped with a reason."""

    @dg.schedule(
        name=job.name,
        job=job,
        cron_schedule=DAILY,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"{feed.name}: yesterday, all symbols",
    )
    def yesterday(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = context.scheduled_execution_time.astimezone(dt.UTC).date() - dt.timedelta(days=1)
        if day < feed.start or (feed.end is not None and day > feed.end):
            return dg.SkipReason(f"{feed.name} collects {feed.start} to {feed.end or 'today'}, and not {day}")
        if not has_session(feed.calendar, day):
            return dg.SkipReason(f"{feed.calendar} does not trade on {day}")
        return dg.RunRequest(run_key=day.isoformat(), tags=range_tags(feed, day, day))

    return yesterday
