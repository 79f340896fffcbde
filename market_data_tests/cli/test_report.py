"""`market-data report`: what it finds in a home, what it remembers, and what it says where there is nothing."""

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest

from market_data.domain.ports.check import Finding
from market_data.domain.time import NS_PER_MINUTE, day_start
from market_data.operations.report import Days, days_of
from market_data.operations.report_candles import MOST, candles_of
from market_data.operations.report_changes import last_shown
from market_data.pipeline.quality import write_report
from market_data.pipeline.workspace import opened
from market_data.warehouse.store import Warehouse
from market_data_tests.cli.conftest import Home
from market_data_tests.partition_view import bar, trade
from market_data_tests.partitions import enter, put, row_of

FIRST, SECOND, THIRD = (dt.date(2024, 1, day) for day in (15, 16, 17))
GOOD = Finding("candles", "ohlc", passed=True, severity="info", measured=0.0, threshold=0.0, detail={"unit": "bars"})
BAD = Finding("trades", "row_account", False, "error", 3.0, 0.0, {"unit": "records", "mismatch": "5 <b> are missing"})


def judge(home: Home, day: dt.date, *findings: Finding) -> None:
    """Write the report of AAA-USD's day."""
    with opened(home.settings) as workspace:
        feed = workspace.feed("sim")
        write_report(workspace, feed, feed.partition("AAA-USD", day), {each.check: [each] for each in findings})


def figures(home: Home, *words: str) -> Any:
    return json.loads("".join(home.lines("report", "--feed", "sim", "--json", *words)))[0]


@pytest.fixture
def judged(home: Home) -> Home:
    """The first day passes, the second does not, the third was not judged."""
    judge(home, FIRST, GOOD)
    judge(home, SECOND, GOOD, BAD)
    return home


def test_a_page_is_written_and_its_sums_are_said(judged: Home) -> None:
    output = judged.settings.home / "page.html"
    lines = judged.lines("report", "--feed", "sim", "-o", output)
    assert lines == [
        "sim, 2024-01-15 to 2024-01-17: mean score 0.7143, 2 partitions judged, 1 with findings that do not pass, "
        "3 missing, 0 records set aside",
        f"The report: {output}",
    ]
    text = output.read_text(encoding="utf-8")
    assert "5 &lt;b&gt; are missing" in text
    assert "This is the first report of this feed" in text
    assert text.count('<svg class="candles"') == 1


def test_the_figures_tell_each_partition_and_each_finding_that_does_not_pass(judged: Home) -> None:
    found = figures(judged)
    states = {(cell["symbol"], cell["date"]): cell["state"] for cell in found["cells"]}
    assert states == {
        ("AAA-USD", "2024-01-15"): "judged",
        ("AAA-USD", "2024-01-16"): "judged",
        ("AAA-USD", "2024-01-17"): "not_judged",
        **{("BBB-USD", f"2024-01-{day}"): "missing" for day in (15, 16, 17)},
    }
    assert [(each["check"], each["date"], each["detail"]["mismatch"]) for each in found["faults"]] == [
        ("row_account", "2024-01-16", "5 <b> are missing")
    ]
    assert [cell["not_passed"] for cell in found["cells"][:3]] == [0, 1, 0]
    assert found["cells"][1]["set_aside"] == 2
    assert {each["table"]: each["rows"] for each in found["totals"]} == {
        "trades": 4, "candles": 3, "quality_reports": 11,
    }  # fmt: skip
    assert found["changes"] is None


def test_the_next_report_tells_what_was_replaced_and_which_scores_moved(judged: Home, warehouse: Warehouse) -> None:
    page = judged.settings.home / "page.html"
    judged.lines("report", "--feed", "sim", "-o", page)
    judged.lines("report", "--feed", "sim", "-o", page)
    assert "nothing changed" in page.read_text(encoding="utf-8")
    feed = judged.settings.feeds["sim"]
    put(warehouse, "trades", feed.partition("AAA-USD", SECOND), [trade(9, price="5"), trade(10, price="6")])
    put(warehouse, "trades", feed.partition("BBB-USD", FIRST), [trade(1)])
    judge(judged, SECOND, GOOD)
    judge(judged, FIRST, GOOD, BAD)
    found = figures(judged)["changes"]
    assert [(each["table"], each["date"], each["rows_before"], each["rows"]) for each in found["replaced"]] == [
        ("trades", "2024-01-16", 1, 2)
    ]
    assert sorted((each["date"], each["before"] < each["after"]) for each in found["moved"]) == [
        ("2024-01-15", False), ("2024-01-16", True),
    ]  # fmt: skip
    assert found["added"] == {"trades": 1}
    assert figures(judged)["changes"] == found  # figures alone are no report: nothing is remembered


def test_a_report_of_fewer_days_hides_nothing_from_the_next_of_all(judged: Home) -> None:
    page = judged.settings.home / "page.html"
    judged.lines("report", "--feed", "sim", "-o", page)
    judge(judged, SECOND, GOOD)
    judged.lines("report", "--feed", "sim", "-o", page, "--end", "2024-01-15")
    assert [each["date"] for each in figures(judged)["changes"]["moved"]] == ["2024-01-16"]


def test_days_that_no_report_has_shown_are_said_and_not_compared(judged: Home) -> None:
    judged.lines("report", "--feed", "sim", "-o", judged.settings.home / "page.html", "--end", "2024-01-15")
    found = figures(judged)["changes"]
    assert (found["new_days"], found["added"], found["moved"]) == (2, {}, [])


def test_what_is_remembered_and_cannot_be_read_is_as_none(judged: Home) -> None:
    kept = judged.settings.home / "reports" / "sim.json"
    kept.parent.mkdir()
    for damaged in ("", "[]", '{"shown": {"today": 1}}', '{"shown": 3}'):
        kept.write_text(damaged, encoding="utf-8")
        with opened(judged.settings) as workspace:
            assert last_shown(workspace, "sim") == {}


def test_quarantine_is_told_by_rule_with_the_first_record(judged: Home, warehouse: Warehouse) -> None:
    record: dict[str, Any] = {"table": "trades", "rule": "price_is_positive", "reason": "not so", "run_id": "r"}
    rows = [{**record, "landed_file": "a.csv", "record_number": n, "original": f'{{"n":{n}}}'} for n in (4, 7)]
    put(warehouse, "quarantine", judged.settings.feeds["sim"].partition("AAA-USD", SECOND), rows)
    (group,) = figures(judged)["set_aside"]
    assert (group["rule"], group["records"], group["days"], group["symbols"]) == (
        "price_is_positive",
        2,
        1,
        ["AAA-USD"],
    )
    assert (group["original"], group["place"]) == ('{"n":4}', "a.csv, record 4, AAA-USD 2024-01-16")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--feed", "nowhere"], "no feed 'nowhere'"),
        (["--feed", "xrpeth"], "nothing to report: no partition of xrpeth is there; `dagster asset materialize`"),
        (["--start", "2024-01-18", "--feed", "sim"], "no partition of sim is there from 2024-01-18 to now"),
        (["--start", "2024-01-17", "--end", "2024-01-15"], "--end 2024-01-15 is before --start 2024-01-17"),
        (["--end", "tomorrow"], "--end is 'tomorrow'; expected a UTC day"),
    ],
)
def test_where_there_is_nothing_to_report_it_is_said_and_nothing_is_written(
    home: Home, words: Sequence[str], said: str
) -> None:
    output = home.settings.home / "page.html"
    result = home.run("report", "-o", output, *words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not output.exists()


def test_a_feed_without_data_is_left_out_and_named(judged: Home) -> None:
    output = judged.settings.home / "page.html"
    result = judged.run("report", "--feed", "sim,xrpeth", "-o", output)
    assert result.exit_code == 0
    assert "xrpeth: nothing is there; left out" in result.stderr
    assert "Nothing is there of xrpeth." in output.read_text(encoding="utf-8")


def test_the_usual_days_are_the_last_thirty_or_those_up_to_the_last_partition(home: Home, warehouse: Warehouse) -> None:
    config = home.settings.config_path
    config.write_text(config.read_text().replace("'2024-01-17'", "'2024-12-31'"))
    feed = home.settings.feeds["sim"].model_copy(update={"end": None})
    with opened(home.settings) as workspace:
        assert days_of(workspace, feed, None, None, dt.date(2024, 2, 2)) == Days(FIRST, dt.date(2024, 2, 1))
        late = days_of(workspace, feed, None, None, dt.date(2024, 5, 2))
        assert late is not None
        assert (late.first, late.last) == (FIRST, THIRD)
        assert late.remark.startswith("Nothing is there after 2024-01-17:")
        assert "105" in late.remark
        enter(warehouse.ledger, [row_of("trades", feed.partition("AAA-USD", dt.date(2024, 4, 20)))])
        assert days_of(workspace, feed, None, None, dt.date(2024, 5, 2)) == Days(
            dt.date(2024, 4, 2), dt.date(2024, 5, 1)
        )


@pytest.mark.parametrize(
    ("timeframes", "days", "width", "count", "said"),
    [
        (("1m", "5m"), 1, 5, 288, "5m candles"),
        (("1m",), 1, 2, 720, "1m candles, 2 in one"),
        (("1m", "15m", "60m"), 3, 15, 288, "15m candles"),
    ],
)
def test_the_timeframe_suits_the_days(
    home: Home, warehouse: Warehouse, timeframes: Sequence[str], days: int, width: int, count: int, said: str
) -> None:
    feed = home.settings.feeds["sim"]
    for n in range(days):
        date = FIRST + dt.timedelta(days=n)
        bars = [
            bar(0, timeframe=name, ts_open=day_start(date) + k * int(name[:-1]) * NS_PER_MINUTE)
            for name in timeframes
            for k in range(1_440 // int(name[:-1]))
        ]
        put(warehouse, "candles", feed.partition("BBB-USD", date), bars)
    with opened(home.settings) as workspace:
        current = workspace.ledger.histories(feed.partition("BBB-USD", FIRST))["candles"]
        for n in range(1, days):
            current += workspace.ledger.histories(feed.partition("BBB-USD", FIRST + dt.timedelta(days=n)))["candles"]
        found = candles_of(workspace, current)
    assert found is not None
    assert (found.width_ns, len(found.bars), found.of) == (width * NS_PER_MINUTE, count, said)
    assert len(found.bars) <= MOST
    assert found.bars["ts_open"].is_sorted()
    source = days * 1_440 // int(said.partition("m")[0])
    assert found.bars["volume"].cast(pl.Float64).sum() == 10 * source
