"""Everything Dagster is told, built from the settings. Nothing is decided here."""

import dagster as dg

from market_data.assets.feed import feed_assets
from market_data.automation.jobs import feed_job
from market_data.automation.partitions import days_by_symbol
from market_data.automation.schedules import daily_schedule, upkeep_schedule
from market_data.automation.sensors import repair_sensor, watch_sensor
from market_data.resources.platform import PlatformResource
from market_data.settings import Settings, load_settings
from market_data.sources import catalog


def build_defs(settings: Settings, **resources: object) -> dg.Definitions:
    """Return the definitions of every feed; `resources` replace those of the same name."""
    partitions = {name: days_by_symbol(feed) for name, feed in settings.feeds.items()}
    jobs = {name: feed_job(feed) for name, feed in settings.feeds.items()}
    platform = PlatformResource(home=settings.place, config=str(settings.config_path))
    return dg.Definitions(
        assets=[feed_assets(feed, partitions[name]) for name, feed in settings.feeds.items()],
        schedules=[*(daily_schedule(feed, jobs[name]) for name, feed in settings.feeds.items()), upkeep_schedule()],
        sensors=[watch_sensor(settings.watch_seconds), repair_sensor(jobs, settings.repair_seconds)],
        resources={"platform": platform, **resources},
        executor=dg.in_process_executor,
    )


defs = build_defs(load_settings(catalog()))
