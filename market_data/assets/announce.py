"""Telling Dagster what the ledger knows and its events do not: after a move, a restore, or a run elsewhere."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.definitions.data_version import DATA_VERSION_TAG

from market_data.assets.metadata import materialization
from market_data.settings import Feed

if TYPE_CHECKING:
    from market_data.ledger.revision import Revision
    from market_data.pipeline.workspace import Workspace

_MOST_NAMED = 1_000
"""Of more partitions than databases take in one condition, all are asked for."""


def unknown(instance: dg.DagsterInstance, workspace: "Workspace") -> Iterator[tuple[Feed, "Revision"]]:
    """Yield the current revisions of every feed whose bytes Dagster does not know as the latest of their partition.

    They come in the order in which one is made from the other, so that each finds the events of what it was made from.
    """
    from market_data.ledger.schema import revisions  # noqa: PLC0415  as below

    c = revisions.c
    for feed in workspace.settings.feeds.values():
        for table in feed.assets:
            known = versions(instance, dg.AssetKey([feed.name, table]))
            for revision in workspace.ledger.find(c.table_name == table, c.feed == feed.name):
                if known.get(revision.partition.key) != revision.sha256:
                    yield feed, revision


def announce(instance: dg.DagsterInstance, workspace: "Workspace", feed: Feed, revision: "Revision") -> None:
    """Enter a revision as a materialization without a run."""
    from market_data.pipeline.workspace import Outcome  # noqa: PLC0415  loading definitions must not wait for polars

    outcome = Outcome(revision.table, revision, changed=False)
    instance.report_runless_asset_event(materialization(instance, workspace, feed, outcome))
    workspace.warehouse.release()


def versions(
    instance: dg.DagsterInstance, asset: dg.AssetKey, partitions: Sequence[str] | None = None
) -> Mapping[str, str]:
    """Return the data version of each partition's latest materialization.

    Args:
        partitions: keys of those that are asked for; all of them where they are many, or None.
    """
    found = instance.event_log_storage.get_latest_tags_by_partition(
        asset,
        dg.DagsterEventType.ASSET_MATERIALIZATION,
        [DATA_VERSION_TAG],
        partitions if partitions is not None and len(partitions) <= _MOST_NAMED else None,
    )
    return {partition: tags[DATA_VERSION_TAG] for partition, tags in found.items()}
