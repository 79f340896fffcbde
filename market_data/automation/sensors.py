"""What looks after the platform by itself: a sensor that tells what is wrong, and one that mends what can be."""

import datetime as dt
import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from market_data.automation.partitions import partition_tags
from market_data.automation.runs import FAILED, STALLED, failed, stalled
from market_data.domain.alerts import Cause
from market_data.resources.platform import PlatformResource
from market_data.settings import Feed

if TYPE_CHECKING:
    from market_data.operations.repair import Repair
    from market_data.pipeline.workspace import Workspace

REASON_TAG = "market_data/repair"


def watch_sensor(every_seconds: int) -> dg.SensorDefinition:
    """Now and then: late days, findings, rejected records, failed and stalled runs become alerts, or end them."""

    @dg.sensor(
        name="watch",
        minimum_interval_seconds=every_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="alerts for what is late, wrong, failed or stalled, and for its end",
    )
    def watch(context: dg.SensorEvaluationContext, platform: PlatformResource) -> dg.SkipReason:
        from market_data.operations.alerting import tell_again  # noqa: PLC0415  definitions must not wait for it

        now = dt.datetime.now(dt.UTC)
        with platform.workspace("watch") as workspace:
            told = _watch(workspace, context.instance, now)
            told += len(tell_again(workspace, now).alerts)
        return dg.SkipReason(f"{told} alerts told")

    return watch


def repair_sensor(jobs: Mapping[str, UnresolvedAssetJobDefinition], every_seconds: int) -> dg.SensorDefinition:
    """Request runs for partitions that are missing, outdated, poor or replaced; what does not mend is an alert.

    Args:
        jobs: by feed, the job that a run is of.
    """

    @dg.sensor(
        name="repair",
        jobs=list(jobs.values()),
        minimum_interval_seconds=every_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="makes partitions again that are missing, outdated, poor, or replaced by the vendor",
    )
    def repair(context: dg.SensorEvaluationContext, platform: PlatformResource) -> dg.SensorResult:
        from market_data.operations.alerting import report_alerts  # noqa: PLC0415  definitions must not wait for it
        from market_data.operations.repair import REPAIR, plan  # noqa: PLC0415

        cursors: dict[str, str] = json.loads(context.cursor or "{}")
        requests: list[dg.RunRequest] = []
        now = dt.datetime.now(dt.UTC)
        with platform.workspace("repair") as workspace:
            for feed in workspace.settings.feeds.values():
                if feed.name not in jobs:
                    continue
                planned = plan(workspace, feed, now, cursors.get(feed.name, ""))
                cursors[feed.name] = planned.cursor
                report_alerts(workspace, REPAIR, feed.name, planned.given_up, now)
                requests += [_request(feed, jobs[feed.name].name, each) for each in planned.repairs]
        return dg.SensorResult(
            run_requests=requests,
            cursor=json.dumps(cursors),
            skip_reason=None if requests else "nothing to mend",
        )

    return repair


def _watch(workspace: "Workspace", instance: dg.DagsterInstance, now: dt.datetime) -> int:
    """Return how many alerts were told."""
    from market_data.operations import watch  # noqa: PLC0415
    from market_data.operations.alerting import report_round  # noqa: PLC0415

    alerts = workspace.settings.alerts
    ended_badly = failed(instance, now)
    silent = stalled(instance, now, dt.timedelta(minutes=alerts.stalled_after_minutes))
    found: dict[tuple[str, str | None], Collection[Cause]] = {}
    for name, feed in workspace.settings.feeds.items():
        found[watch.FRESHNESS, name] = watch.late(workspace, feed, now)
        found[watch.FINDING, name] = watch.not_passing(workspace, feed)
        found[watch.REJECTED, name] = watch.rejecting(workspace, feed, now, alerts.rejected_share)
        found[FAILED, name] = ended_badly.get(name, ())
        found[STALLED, name] = silent.get(name, ())
    return len(report_round(workspace, found, now).alerts)


def _request(feed: Feed, job: str, repair: "Repair") -> dg.RunRequest:
    """Return a run of one partition; asked for twice it is one run."""
    config = {"ops": {feed.name: {"config": {"refetch": True}}}} if repair.refetch else {}
    tried = f"{repair.reason} {repair.number} {dt.datetime.now(dt.UTC):%Y%m%dT%H%M}"
    return dg.RunRequest(
        run_key=f"{repair.partition} {tried}",
        job_name=job,
        run_config=config,
        tags={**partition_tags(repair.partition), REASON_TAG: repair.reason},
    )
