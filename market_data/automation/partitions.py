"""A feed's key space: UTC days by symbols."""

import datetime as dt
from collections.abc import Sequence
from functools import lru_cache

import dagster as dg

from market_data.domain.partition import Partition
from market_data.settings import Feed


class DaysBySymbol(dg.MultiPartitionsDefinition):
    """Days by symbols, the keys of a run's range listed once. Web server and daemon see Dagster's own class."""

    def get_partition_keys_in_range(
        self,
        partition_key_range: dg.PartitionKeyRange,
        dynamic_partitions_store: object = None,  # noqa: ARG002  none is dynamic
    ) -> Sequence[str]:
        """Return the keys of a range.

        Dagster asks for those of a run once for each table and each check; of 10,000, 15 times were 3 s.
        """
        return list(self._keys_in_range(partition_key_range))

    @lru_cache(maxsize=1)  # noqa: B019  definitions live as long as the process
    def _keys_in_range(self, wanted: dg.PartitionKeyRange) -> Sequence[str]:
        return super().get_partition_keys_in_range(wanted)


def days_by_symbol(feed: Feed) -> dg.MultiPartitionsDefinition:
    """Return one definition a feed, so that feeds keep small key spaces and their own start.

    Keys read `2024-01-15|BTC-USD`: dimensions sort by name. Symbols are in order of name, so that a range from the
    first to the last name holds them all.
    """
    end = None if feed.end is None else (feed.end + dt.timedelta(days=1)).isoformat()
    days = dg.DailyPartitionsDefinition(start_date=feed.start.isoformat(), end_date=end, timezone="UTC")
    symbols = dg.StaticPartitionsDefinition(sorted(feed.symbols))
    return DaysBySymbol({"date": days, "symbol": symbols})


def partition_tags(partition: Partition) -> dict[str, str]:
    """Return tags that make a run of one partition."""
    return {
        "dagster/asset_partition_range_start": partition.key,
        "dagster/asset_partition_range_end": partition.key,
    }


def range_tags(feed: Feed, first: dt.date, last: dt.date) -> dict[str, str]:
    """Return tags that make one run of all symbols of the days from first to last, both included."""
    symbols = sorted(feed.symbols)
    return {
        "dagster/asset_partition_range_start": feed.partition(symbols[0], first).key,
        "dagster/asset_partition_range_end": feed.partition(symbols[-1], last).key,
    }
