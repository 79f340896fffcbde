"""A report's scores: rows of the table, notes of the ledger, a table and a picture in the interface."""

from pathlib import Path

from dagster import AssetKey, AssetRecordsFilter, DagsterInstance, MarkdownMetadataValue

from market_data.pipeline.workspace import opened
from market_data_tests.feeds import settings_of, simulated
from market_data_tests.runs import run

KEY = "2024-01-15|AAA-USD"


def test_a_report_tells_its_scores_in_sql_in_the_ledger_and_in_the_interface(
    tmp_path: Path, instance: DagsterInstance
) -> None:
    settings = settings_of(tmp_path, {"sim": simulated()})
    assert run(settings, instance, KEY, KEY).success
    with opened(settings) as workspace:
        feed = workspace.feed("sim")
        partition = feed.partition("AAA-USD", feed.start)
        report = workspace.warehouse.scan("quality_reports", partition).collect()
        revision = workspace.warehouse.current("quality_reports", partition)
    told = {row["check"]: row["measured"] for row in report.to_dicts() if row["table"] == "partition"}
    assert told == dict.fromkeys(("score", "score_completeness", "score_consistency", "score_quality"), 1.0)
    assert revision is not None
    assert revision.notes["passed"] is True
    assert revision.notes["scores"] == {"completeness": 1.0, "quality": 1.0, "consistency": 1.0, "whole": 1.0}
    records = instance.fetch_materializations(
        AssetRecordsFilter(AssetKey(["sim", "quality_reports"]), asset_partitions=[KEY]), limit=1
    ).records
    event = records[0].asset_materialization
    assert event is not None
    scores, plot = (event.metadata[name] for name in ("scores", "plot"))
    assert isinstance(scores, MarkdownMetadataValue)
    assert "|whole|1.0000||yes|" in str(scores.value)
    assert isinstance(plot, MarkdownMetadataValue)
    assert "data:image/svg+xml;base64," in str(plot.value)
