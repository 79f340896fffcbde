"""What happens daily: every feed's yesterday in one run a feed, and what is done for the warehouse's files."""

import datetime as dt

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from market_data.automation.jobs import upkeep_job
from market_data.automation.partitions import range_tags
from market_data.resources.platform import PlatformResource
from market_data.settings import Feed
from market_data.settings.calendar import has_session

DAILY = "0 9 * * *"
"""09:00 UTC: vendors have published the day by then (Tardis about 06:00)."""

UPKEEP = "30 4 * * *"
"""04:30 UTC: before the day's collection."""


def daily_schedule(feed: Feed, job: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """Return the schedule that asks for yesterday of all symbols, each day at 09:00 UTC.

    Days that the feed does not have are skipped with a reason.
    """

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


def upkeep_schedule() -> dg.ScheduleDefinition:
    """Compaction and sweep, each day at 04:30 UTC; skipped where there is nothing to do."""

    @dg.schedule(
        name="warehouse_upkeep",
        job=upkeep_job,
        cron_schedule=UPKEEP,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="small files of closed months are brought into one; files that nothing is read from are removed",
    )
    def upkeep(context: dg.ScheduleEvaluationContext, platform: PlatformResource) -> dg.RunRequest | dg.SkipReason:
        from market_data.operations.upkeep import is_due  # noqa: PLC0415  definitions must not wait for it

        now = context.scheduled_execution_time.astimezone(dt.UTC)
        with platform.workspace("upkeep") as workspace:
            if not is_due(workspace, now):
                return dg.SkipReason("there are no small files to bring into one, and none to remove")
        return dg.RunRequest(run_key=now.date().isoformat())

    return upkeep
