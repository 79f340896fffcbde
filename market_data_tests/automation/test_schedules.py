"""The daily schedule asks for yesterday of every symbol, and says why when it does not."""

import datetime as dt
from pathlib import Path

import dagster as dg
import pytest

from market_data.definitions import build_defs
from market_data_tests.feeds import settings_of, simulated


def evaluate(folder: Path, now: dt.datetime, **changes: object) -> dg.RunRequest | dg.SkipReason:
    defs = build_defs(settings_of(folder, {"sim": simulated(**changes)}))
    schedule = defs.resolve_schedule_def("sim_daily")
    assert schedule.cron_schedule == "0 9 * * *"
    assert schedule.execution_timezone == "UTC"
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    with (
        dg.DagsterInstance.local_temp() as instance,
        dg.build_schedule_context(instance, scheduled_execution_time=now) as context,
    ):
        data = schedule.evaluate_tick(context)
    if data.run_requests:
        (request,) = data.run_requests
        return request
    return dg.SkipReason(data.skip_message)


def test_yesterday_of_all_symbols_is_one_run(tmp_path: Path) -> None:
    asked = evaluate(tmp_path, dt.datetime(2024, 1, 17, 9, tzinfo=dt.UTC))
    assert isinstance(asked, dg.RunRequest)
    assert asked.tags["dagster/asset_partition_range_start"] == "2024-01-16|AAA-USD"
    assert asked.tags["dagster/asset_partition_range_end"] == "2024-01-16|BBB-USD"


@pytest.mark.parametrize(
    ("now", "changes", "words"),
    [
        (dt.datetime(2024, 1, 15, 9, tzinfo=dt.UTC), {}, "not 2024-01-14"),
        (dt.datetime(2024, 2, 1, 9, tzinfo=dt.UTC), {}, "not 2024-01-31"),
        (dt.datetime(2024, 1, 16, 9, tzinfo=dt.UTC), {"calendar": "XNYS"}, "XNYS does not trade on 2024-01-15"),
    ],
)
def test_a_day_that_the_feed_does_not_have_is_skipped_with_the_reason(
    tmp_path: Path, now: dt.datetime, changes: dict[str, object], words: str
) -> None:
    skipped = evaluate(tmp_path, now, **changes)
    assert isinstance(skipped, dg.SkipReason)
    assert words in (skipped.skip_message or "")
