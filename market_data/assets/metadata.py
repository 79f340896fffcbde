"""What a materialization tells in the UI: the account, the file, times, where it came from, a preview and a chart."""

import base64
from collections.abc import Iterable
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

from market_data.assets.lineage import inputs_of_day, version_tags
from market_data.domain.charts import score_bars, sparkline
from market_data.domain.check_support.detail import shown_row
from market_data.domain.quality import SUBJECT
from market_data.domain.time import to_datetime
from market_data.settings import Feed

if TYPE_CHECKING:
    from market_data.pipeline.workspace import Outcome, Workspace

_PREVIEW_ROWS = 2
"""Enough to see what a row looks like. Dagster keeps a materialization twice or three times."""
_IN_PLACE = 1_000
"""Dagster shows Markdown of fewer characters where it stands; longer hides behind a link."""
_CHART_POINTS = 24
"""Enough to see the day's course, an hour each; 32 leave a chart in place."""
_CELL = 60


def materialization(
    instance: dg.DagsterInstance, workspace: "Workspace", feed: Feed, outcome: "Outcome"
) -> dg.AssetMaterialization:
    """Return the event of one table of one partition."""
    revision, run_id = outcome.revision, workspace.run_id
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
    metadata["preview"] = dg.MetadataValue.md(_preview(rows.head(_PREVIEW_ROWS).collect(engine="in-memory")))
    if outcome.table == "quality_reports":
        metadata |= _scores(rows)
    if outcome.table in {"candles", "vendor_candles"} and revision.rows:
        metadata["chart"] = dg.MetadataValue.md(_chart(rows))
    return dg.AssetMaterialization(
        asset_key=dg.AssetKey([feed.name, outcome.table]),
        partition=revision.partition.key,
        metadata=metadata,
        tags=version_tags(
            instance, run_id, feed, revision, inputs_of_day(workspace.ledger.made_from(revision), revision)
        ),
    )


def _scores(report: pl.LazyFrame) -> dict[str, dg.MetadataValue]:
    """Return the scores of a partition as a table and as a picture."""
    chosen = report.filter(pl.col("table") == SUBJECT).select("check", "measured", "threshold", "passed")
    of_partition = chosen.collect(engine="in-memory")
    lines = ["|score|measured|threshold|passed|", "|---|---|---|---|"]
    bars: list[tuple[str, float | None, float | None]] = []
    for name, measured, threshold, passed in of_partition.iter_rows():
        label = "whole" if name == "score" else name.removeprefix("score_")
        cells = [label, *("" if each is None else f"{each:.4f}" for each in (measured, threshold))]
        lines.append(_line([*cells, "yes" if passed else "no"]))
        bars.append((label, measured, threshold))
    picture = base64.b64encode(score_bars(bars).encode()).decode()
    return {
        "scores": dg.MetadataValue.md("\n".join(lines)),
        "plot": dg.MetadataValue.md(f"![scores](data:image/svg+xml;base64,{picture})"),
    }


def _preview(rows: pl.DataFrame) -> str:
    """Return the first rows, times and decimals as people read them.

    As many as are shown in place, but one at least.
    """
    head = [_line(rows.columns), "|---" * rows.width + "|"]
    lines = [_line(shown_row(row).values()) for row in rows.iter_rows(named=True)]
    while len(lines) > 1 and len("\n".join([*head, *lines])) >= _IN_PLACE:
        lines.pop()
    return "\n".join([*head, *lines])


def _line(cells: Iterable[object]) -> str:
    texts = ("" if cell is None else " ".join(str(cell).removesuffix(".000000000Z").split()) for cell in cells)
    return f"|{'|'.join(text[:_CELL].replace('|', '/') for text in texts)}|"


def _chart(bars: pl.LazyFrame) -> str:
    """Return the first instrument's longest-known kind of time bars as a small picture."""
    chosen = bars.filter(pl.col("kind") == "time").select("timeframe", "ts_open", "close", "volume")
    time_bars = chosen.collect(engine="in-memory")
    if not len(time_bars):
        return "no time bars"
    finest = time_bars.group_by("timeframe").len().sort("len", "timeframe", descending=True)["timeframe"][0]
    svg = sparkline(time_bars.filter(pl.col("timeframe") == finest).sort("ts_open"), points=_CHART_POINTS)
    picture = base64.b64encode(svg.encode()).decode()
    return f"{finest} closes\n\n![{finest} closes](data:image/svg+xml;base64,{picture})"
