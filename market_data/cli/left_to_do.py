"""What of a range is left to do: whole partitions that Dagster has a record of need no run. Nothing is run here."""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from market_data.cli.home import open_reader, open_workspace

if TYPE_CHECKING:
    from market_data.cli.arguments import Wanted
    from market_data.domain.partition import Partition
    from market_data.settings import Feed

_ANYTHING = (
    "SELECT 1 FROM partition_revisions WHERE state = 'current' AND feed = ? AND table_name = ? "
    "AND date BETWEEN ? AND ? LIMIT 1"
)


def left_to_do(asked: "Wanted[Feed]") -> tuple[dt.date, Sequence[str]]:
    """Return from which day on, and of which symbols, there is something to do; no symbol where there is nothing.

    What follows on a day that is made may be made from it, so that days after it belong to a run, whole or not.
    """
    over = _whole_and_recorded(asked) if _is_anything_there(asked) else ()
    left = [partition for partition in asked.partitions if partition not in over]
    first = min((partition.date for partition in left), default=asked.first)
    symbols = {partition.symbol for partition in left}
    return first, [symbol for symbol in asked.symbols if symbol in symbols]


def _is_anything_there(asked: "Wanted[Feed]") -> bool:
    """Return whether anything of the range was ever made. What looks closer takes a second to be imported."""
    values = [asked.feed.name, asked.assets[-1], asked.first.isoformat(), asked.last.isoformat()]
    with open_reader() as reader:
        return bool(reader.rows(_ANYTHING, values))


def _whole_and_recorded(asked: "Wanted[Feed]") -> Collection["Partition"]:
    from market_data.cli.dagster_daemon import instance_folder
    from market_data.pipeline.whole import whole

    with open_workspace(must_exist=False) as workspace:
        look, why = whole(workspace, asked.feed, asked.partitions, asked.assets)
        found = [partition for partition in asked.partitions if why[partition] is None]
        folder = instance_folder(workspace.settings)
        if not found or folder is None:
            return ()
        from dagster import DagsterInstance

        from market_data.assets.whole_partitions import recorded

        with DagsterInstance.from_config(str(folder)) as instance:
            return recorded(instance, look, asked.feed, found, asked.assets)
