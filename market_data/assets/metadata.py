"""What a materialization tells in the UI: the account, the file, times, where it came from, a preview and a chart."""

import base64
from collections.abc import Iterable
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

from market_data.domain.charts import sparkline
from market_data.domain.checks._detail import shown_row
from market_data.domain.time import to_datetime
from market_data.settings import Feed

if TYPE_CHECKING:
    from market_data.pipeline.workspace import Outcome, Workspace

_PREVIEW_ROWS = 5
_IN_PLACE = 1_000
"""Dagster shows Markdown of fewer characters where it stands; longer hides behind a link."""
_CHART_POINTS = 32
"""As many as leave a chart in place."""
_CELL = 60


def materialization(workspace: "Workspace", feed: Feed, outcome: "Outcome") -> dg.AssetMaterialization:
    """The event of one table of one partition."""
    revision = outcome.revision
    account = revision.account
    metadata: dict[str, dg.MetadataValue | str | int | bool] = {
        "dagster/row_count": revision.rows,
        "rows_in": account.records,
        "rows_out": account.accepted,
        "set_aside": account.rejected,
        "deduplicated": account.deduplicated,
        "bytes": revision.size_bytes,
        "sha256": revision.sha256,
        "source": feed.source,
        "revision": f"{revision.revision} ({'new' if outcome.changed else 'unchanged'})",
        "fetched": outcome.fetched,
    }
    for name, instant in (("first_time", revision.first_ns), ("last_time", revision.last_ns)):
        if instant is not None:
            metadata[name] = dg.MetadataValue.timestamp(to_datetime(instant))
    if outcome.landed:
        metadata["landed"] = dg.MetadataValue.md("\n".join(f"- `{f.name}` from {f.origin}" for f in outcome.landed))
    metadata["path"] = dg.MetadataValue.path(workspace.warehouse.address(revision))
    rows = workspace.warehouse.rows_of(revision)
    metadata["preview"] = dg.MetadataValue.md(_preview(rows.head(_PREVIEW_ROWS).collect()))
    if outcome.table in {"candles", "vendor_candles"} and revision.rows:
        metadata["chart"] = dg.MetadataValue.md(_chart(rows))
    return dg.AssetMaterialization(
        asset_key=dg.AssetKey([feed.name, outcome.table]),
        partition=revision.partition.key,
        metadata=metadata,
        # Dagster compares data versions to tell what is out of date: the same bytes are the same version.
        tags={"dagster/data_version": revision.sha256},
    )


def _preview(rows: pl.DataFrame) -> str:
    """The first rows, times and decimals as people read them; as many as are shown in place, but one at least."""
    head = [_line(rows.columns), "|---" * rows.width + "|"]
    lines = [_line(shown_row(row).values()) for row in rows.iter_rows(named=True)]
    while len(lines) > 1 and len("\n".join([*head, *lines])) >= _IN_PLACE:
        lines.pop()
    return "\n".join([*head, *lines])


def _line(cells: Iterable[object]) -> str:
    texts = ("" if cell is None else " ".join(str(cell).removesuffix(".000000000Z").split()) for cell in cells)
    return f"|{'|'.join(text[:_CELL].replace('|', '/') for text in texts)}|"


def _chart(bars: pl.LazyFrame) -> str:
    """The first instrument's longest-known kind of time bars as a small picture."""
    time_bars = bars.filter(pl.col("kind") == "time").select("timeframe", "ts_open", "close", "volume").collect()
    if not len(time_bars):
        return "no time bars"
    finest = time_bars.group_by("timeframe").len().sort("len", "timeframe", descending=True)["timeframe"][0]
    svg = sparkline(time_bars.filter(pl.col("timeframe") == finest).sort("ts_open"), points=_CHART_POINTS)
    picture = base64.b64encode(svg.encode()).decode()
    return f"{finest} closes\n\n![{finest} closes](data:image/svg+xml;base64,{picture})"
