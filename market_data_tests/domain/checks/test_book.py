"""Crossed and locked quotes, sizes and spreads; real ones, counted exactly."""

import io
import zipfile
from pathlib import Path

import polars as pl
import pytest

from market_data.domain.checks.book import CHECK, Limits
from market_data.domain.numbers import PRICE
from market_data.domain.ports.check import Finding
from market_data_tests.partition_view import MemoryView, frame, nothing, quote

FXCM = Path(__file__).resolve().parents[4] / "shared/data/lean/forex/fxcm/tick/eurusd/20140502_quote.zip"


def judged(view: MemoryView) -> dict[str, Finding]:
    return {finding.detail.get("rule", "passed"): finding for finding in CHECK.run(view)}


def quotes_view(*rows: dict[str, object], **limits: float) -> MemoryView:
    chosen = {("book", "quotes"): Limits.model_validate(limits)}
    return MemoryView({"quotes": frame("quotes", rows)}, limits=chosen)


@pytest.mark.skipif(not FXCM.exists(), reason="the real quotes are not there")
def test_real_crossed_and_locked_quotes_are_counted_exactly():
    with zipfile.ZipFile(FXCM) as archive:
        text = archive.read(archive.namelist()[0])
    names = {"ms": pl.Int64, "bid_price": pl.String, "ask_price": pl.String}
    read = pl.read_csv(io.BytesIO(text), has_header=False, schema=names)
    prices = read.with_columns(
        pl.col("bid_price", "ask_price").cast(PRICE), ts_event="ms", ordinal=pl.int_range(pl.len())
    )
    rows = pl.concat([nothing("quotes"), prices.drop("ms")], how="diagonal")
    found = judged(MemoryView({"quotes": rows}))
    assert len(rows) == 96_406
    assert (found["crossed"].measured, found["crossed"].threshold) == (12_061.0, 0.0)
    assert found["locked"].measured == pytest.approx(13_004 / 96_406)
    assert found["locked"].detail["locked"] == 13_004
    assert set(found) == {"crossed", "locked"}


def test_quotes_of_one_side_are_counted_and_pass():
    found = judged(quotes_view(quote(0), quote(1, bid_price=None, bid_size=None)))
    assert found["passed"].detail["one_sided"] == 1


def test_a_crossed_quote_is_shown_with_its_place():
    found = judged(quotes_view(quote(0), quote(1, bid_price="0.0015")))["crossed"]
    assert (found.measured, found.severity) == (1.0, "warning")
    assert [row["ordinal"] for row in found.detail["first"]] == [1]


def test_as_many_as_the_feed_allows_pass():
    rows = (quote(0), quote(1, bid_price="0.0015"))
    assert set(judged(quotes_view(*rows, crossed=1))) == {"passed"}


def test_a_wide_spread_of_a_market_that_is_always_wide_is_not_absurd():
    wide = [quote(number, bid_price="1", ask_price="2") for number in range(20)]
    assert set(judged(quotes_view(*wide))) == {"passed"}
    narrow = [quote(number, bid_price="1", ask_price="1.01") for number in range(20)]
    assert set(judged(quotes_view(*narrow, quote(20, bid_price="1", ask_price="9")))) == {"absurd_spread"}
