"""What Dagster is told of versions: of what a partition consists, and of which versions of others it was made.

Dagster calls a partition unsynced where an asset above it has another data version than the one it was made of. It
finds that by events: the tag `input_event_pointer` names the materialization that was read. Events of a function that
records partition after partition, as a feed does, get no such tags by themselves; without them Dagster compares times,
and the same bytes made again would count as a change.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    DATA_VERSION_TAG,
    NULL_DATA_VERSION,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
)

from market_data.assets.recorded import latest
from market_data.domain.tables import DERIVED, MADE_FROM
from market_data.settings import Feed

if TYPE_CHECKING:
    from market_data.ledger.revision import Revision

_LOOKED_BACK = 10
"""Materializations of an input among which the one that was read is looked for: it is the latest but for races."""
_BEFORE_EVERYTHING = "-1"
"""As a pointer: whatever is materialized later is new. Dagster's own `NULL` would make nothing new for ever."""


def above(feed: Feed, table: str) -> tuple[str, ...]:
    """Return the tables of a feed that a table is made from, of the same partition."""
    if table not in DERIVED:
        return ()
    return MADE_FROM.get(table, tuple(name for name in feed.assets if name != table))


def version_tags(
    instance: dg.DagsterInstance, run_id: str, feed: Feed, revision: "Revision", made_from: Mapping[str, str]
) -> dict[str, str]:
    """Return the tags of a revision's materialization; the same bytes are the same data version.

    Args:
        made_from: the SHA-256 of each table of the same partition that it was made from.
    """
    tags = {
        DATA_VERSION_TAG: revision.sha256,
        DATA_VERSION_IS_USER_PROVIDED_TAG: "true",
        CODE_VERSION_TAG: revision.code_version,
    }
    for table in above(feed, revision.table):
        key, version = dg.AssetKey([feed.name, table]), made_from.get(table, NULL_DATA_VERSION.value)
        tags[get_input_data_version_tag(key)] = version
        tags[get_input_event_pointer_tag(key)] = _pointer(instance, run_id, key, revision.partition.key, version)
    return tags


def inputs_of_day(inputs: Any, revision: "Revision") -> dict[str, str]:
    """Return the SHA-256 of each table of the revision's own partition among a revision's inputs."""
    day = revision.partition.date.isoformat()
    return {each["table"]: each["sha256"] for each in inputs if "table" in each and each["date"] == day}


def _pointer(instance: dg.DagsterInstance, run_id: str, asset: dg.AssetKey, partition: str, version: str) -> str:
    """Return the event of the materialization that was read.

    Where Dagster does not know it (it was made without this instance), the latest.
    """
    found = latest(instance, asset, partition, run_id)
    if found is None:
        return _BEFORE_EVERYTHING
    if _version(found) != version:
        wanted = dg.AssetRecordsFilter(asset, asset_partitions=[partition])
        records = instance.fetch_materializations(wanted, limit=_LOOKED_BACK).records
        found = next((record for record in records if _version(record) == version), found)
    return str(found.storage_id)


def _version(record: dg.EventLogRecord) -> str | None:
    materialization = record.asset_materialization
    return (materialization.tags or {}).get(DATA_VERSION_TAG) if materialization else None
