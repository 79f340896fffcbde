"""Log lines as JSON objects: what each tells, and that it tells it whoever logs."""

import datetime as dt
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from market_data.domain.errors import BadFile
from market_data.pipeline.chain import Failed, materialize
from market_data.pipeline.logs import JsonLines, about
from market_data.pipeline.progress import Progress
from market_data.pipeline.workspace import opened
from market_data.vendor_files.prefetch import prefetch
from market_data_tests.feeds import settings_of, simulated


class Lines(logging.Handler):
    """Keeps what is logged, formatted where it is logged, as a handler of a stream does."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def logger() -> logging.Logger:
    found = logging.Logger("market_data.somewhere")
    found.addHandler(Lines())
    return found


def lines(logger: logging.Logger) -> list[dict[str, Any]]:
    (handler,) = logger.handlers
    assert isinstance(handler, Lines)
    return handler.lines


def test_a_line_is_an_object_with_time_level_logger_and_message(logger: logging.Logger) -> None:
    before = dt.datetime.now(dt.UTC)
    logger.warning("%d files\nof %s", 3, 'a "vendor"')
    (line,) = lines(logger)
    when = dt.datetime.fromisoformat(line.pop("time"))
    assert abs(when - before) < dt.timedelta(minutes=5)
    assert when.utcoffset() == dt.timedelta(0)
    assert line == {"level": "warning", "logger": "market_data.somewhere", "message": '3 files\nof a "vendor"'}


def test_what_is_logged_about_a_partition_tells_it_wherever_it_is_logged(logger: logging.Logger) -> None:
    def work():
        logger.info("ahead")
        yield 1

    with about(feed="sim", symbol="AAA-USD", day="2024-01-15", run=None):
        with about(table="trades"):
            list(prefetch(work()))
        logger.info("beside")
    logger.info("after")
    told = [{name: line[name] for name in ("feed", "table", "run") if name in line} for line in lines(logger)]
    assert told == [{"feed": "sim", "table": "trades"}, {"feed": "sim"}, {}]


def test_a_trace_is_a_field_of_its_line(logger: logging.Logger) -> None:
    logger.error("it failed", exc_info=BadFile("not a zip"))
    (line,) = lines(logger)
    assert line["trace"].endswith("BadFile: not a zip")


def test_every_line_of_a_partition_tells_run_feed_table_symbol_day_and_stage(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, {"sim": simulated(tables=["trades"])})
    feed, log, handler = settings.feeds["sim"], logging.getLogger("market_data.progress"), Lines()
    partition = feed.partition("AAA-USD", feed.start)
    log.addHandler(handler)
    try:
        with opened(settings, "run-1") as workspace:
            progress = Progress(feed, 1, workspace.run_id)
            steps = list(materialize(workspace, feed, partition, feed.assets, ()))
            for step in steps:
                progress.step(partition, step)
            progress.step(partition, Failed("trades", partition, BadFile("not a zip")))
            progress.done(partition, steps)
    finally:
        log.removeHandler(handler)
    where = {"run": "run-1", "feed": "sim", "symbol": "AAA-USD", "day": "2024-01-15"}
    assert all(line.items() >= where.items() for line in handler.lines)
    assert [(line.get("table"), line["stage"]) for line in handler.lines] == [
        *(("trades", "fetch"), ("trades", "made"), ("candles", "made"), ("quality_reports", "made")),
        *(("trades", "failed"), ("quality_reports", "checks"), (None, "done")),
    ]
    assert [line["level"] for line in handler.lines].count("error") == 1
