"""The page of a report: every section says what it has, whatever comes from data is text, and nothing is loaded."""

import datetime as dt
import re
from dataclasses import fields, replace
from html.parser import HTMLParser
from typing import Any

import pytest

from market_data.domain.report import Cell, FeedReport, SetAside, Totals, page
from market_data_tests.reports import FIRST, candles, cell, fault, feed_report, full_feed, report_of

EVIL = "<script>alert('x')</script>&\"'"
VOID = {"meta", "br", "input", "img", "hr"}


class Reader(HTMLParser):
    """Refuses what is not closed; keeps elements, their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, name: str, kind: str | None = None) -> list[dict[str, str | None]]:
        return [each for tag, each in self.found if tag == name and kind in {None, *(each.get("class") or "").split()}]


def read(*feeds: FeedReport, **more: Any) -> Reader:
    return Reader(page(report_of(*feeds, **more)))


def test_a_full_report_is_well_formed_loads_nothing_and_its_links_lead_somewhere() -> None:
    text = page(report_of(full_feed(), full_feed("other"), left_out=["third"]))
    reader = Reader(text)
    ids = [each["id"] for _, each in reader.found if "id" in each]
    assert len(ids) == len(set(ids))
    assert {each["href"] for each in reader.all("a")} <= {f"#{each}" for each in ids}
    assert not reader.all("script") + reader.all("link") + reader.all("img")
    assert not re.search(r"url\(|@import|https?:", text)
    assert "Nothing is there of third." in reader.text


def test_every_section_says_what_it_has() -> None:
    text = read(full_feed()).text
    for said in (
        "15 Jan 2024 to 14 Feb 2024 · source test · 2 symbols · 42 of 46 partitions there · 123,456 rows",
        "Nothing is there after 2024-02-14.",
        "8 partitions of 38 below a threshold",
        "2 gaps",
        "share 25%",
        "first: from 2024-01-23 03:00:00, to 2024-01-23 09:30:00, seconds 23,400",
        "price_is_positive",
        "a.csv, record 9",
        "1 score went up, 1 down, 1 revision was superseded, 4 partitions are new",
        "No report has shown 2 days of these before",
        "1 → 2",
        "1,000 → 1,010",
        "Missing: 18 Jan 2024, 1 Feb 2024.",
        "7.9 MB",
    ):
        assert said in text


def test_the_calendar_tells_each_state_without_its_colour() -> None:
    reader = read(full_feed(symbols=["AAA-USD"], days=14))
    squares = [each for each in reader.all("td") if re.fullmatch(r"(h\d( bad)?|x|o|q)", each.get("class") or "")]
    assert [each["class"] for each in squares] == [
        "h5", "h4", "h3", "x", "h5", "o", "o", "h2", "h1 bad", "h0 bad", "h3", "q", "o", "o",
    ]  # fmt: skip
    titles = [each["title"] or "" for each in reader.all("a") if "title" in each]
    assert titles[0].startswith("AAA-USD, 15 Jan 2024\nwhole: 100\n")
    assert titles[8].splitlines()[-3:] == ["findings that do not pass: 3", "rows: 1,234", "set aside: 7"]
    assert titles[3] == "AAA-USD, 18 Jan 2024\nmissing"


@pytest.mark.parametrize(("score", "said"), [(1.0, "100"), (0.99999, "99"), (0.949999, "94"), (0.0, "0")])
def test_a_score_is_never_rounded_up(score: float, said: str) -> None:
    assert f">{said}</a></td>" in page(report_of(feed_report(cells=[cell("A", FIRST, score)])))


def test_what_is_missing_and_what_was_found_is_drawn_on_the_candles() -> None:
    reader = read(full_feed(symbols=["AAA-USD"]))
    assert len(reader.all("g", "missing")) == 2
    assert len(reader.all("g", "failed")) == 4
    assert len(reader.all("rect", "range")) == len(reader.all("path", "at")) == 1


def test_a_mark_on_a_day_without_a_session_is_drawn_too() -> None:
    cells = [cell("A", FIRST), Cell("A", FIRST + dt.timedelta(days=1), "no_session")]
    late = fault("A", FIRST, detail={"first": [{"ts_event": "2024-01-16T12:00:00.000000000Z"}]})
    reader = read(feed_report(cells=cells, faults=[late], candles={"A": candles(FIRST, 1)}))
    assert len(reader.all("path", "at")) == 1


def test_an_empty_feed_says_so_and_the_first_report_is_one() -> None:
    text = read(feed_report(cells=[Cell("A", FIRST, "missing")])).text
    assert "No partition of these days was judged." in text
    assert "No record of these days stands in quarantine." in text
    assert "This is the first report of this feed" in text
    assert "No candles are drawn." in text
    assert text.count("nothing was judged") == 4
    assert "Every finding of every partition passes." in read(feed_report(cells=[cell("A", FIRST)])).text
    assert read(feed_report()).text


def test_candles_without_a_bar_are_no_error() -> None:
    none = replace(candles(FIRST, 1), bars=candles(FIRST, 1).bars.clear())
    assert "no candles" in read(feed_report(cells=[cell("A", FIRST)], candles={"A": none})).text


def test_text_from_data_stays_text() -> None:
    aside = SetAside(EVIL, EVIL, 1, 0, [EVIL], 1, EVIL, EVIL, EVIL)
    feed = feed_report(
        EVIL,
        **dict.fromkeys(("description", "source", "remark"), EVIL),
        cells=[cell(EVIL, FIRST, 0.5, not_passed=1)],
        faults=[fault(EVIL, FIRST, check=EVIL, table=EVIL, detail={EVIL: EVIL, "unit": EVIL, "first": [{EVIL: EVIL}]})],
        set_aside=[aside],
        totals=[Totals(EVIL, 1, 1, 1)],
        candles={EVIL: replace(candles(FIRST, 1), of=EVIL)},
    )
    reader = read(feed, left_out=[EVIL])
    assert not reader.all("script")
    assert reader.text.count(EVIL) > len(fields(aside))
    assert not any(name.startswith("on") for _, each in reader.found for name in each)


def test_many_symbols_and_partitions_are_counted_where_they_are_not_listed() -> None:
    symbols = [f"S{n:03}" for n in range(100)]
    feed = full_feed(symbols=symbols, days=31)
    reader = read(replace(feed, candles={"S000": candles(FIRST, 31)}))
    assert len(reader.all("section", "symbol")) == 100
    assert "385 more partitions not listed here." in reader.text
    assert "S006, S007 and 92 more" in reader.text
    assert reader.text.count("No candles are drawn.") == 99


def test_the_worst_partition_comes_first_and_its_gravest_finding_too() -> None:
    cells = [cell("A", FIRST, 0.9, not_passed=1), cell("B", FIRST, 0.2, not_passed=2)]
    faults = [fault("B", FIRST, severity="warning", check="mild"), fault("B", FIRST, check="grave"), fault("A", FIRST)]
    text = read(feed_report(cells=cells, faults=faults)).text
    worst = text[text.index("Worst partitions") : text.index("Set aside")]
    order = ["B 15 Jan", "grave", "mild", "A 15 Jan"]
    assert re.findall("|".join(order), worst) == order
