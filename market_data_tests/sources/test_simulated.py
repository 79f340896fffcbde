"""The simulated exchange: its days against a second reckoning in plain Decimals, its options and deliveries."""

import datetime as dt
import subprocess
import sys
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from market_data.domain.contract import polars_schema
from market_data.domain.errors import ConfigurationError, NotAvailable
from market_data.domain.numbers import TURNOVER
from market_data.domain.time import NS_PER_DAY, NS_PER_MINUTE, day_bounds
from market_data.sources.simulated import Simulated
from market_data.sources.simulated.candles import Candle, vwap
from market_data.sources.simulated.market import Market, last_price, simulate
from market_data.sources.simulated.options import SimulatedOptions
from market_data_tests.fetching import at
from market_data_tests.sources.simulated_case import (
    DAY,
    EXACT,
    ILLIQUID,
    LIQUID,
    MIDDLING,
    SYMBOLS,
    accepted,
    batches,
    exchange,
    frame,
    landed,
    request,
)

# --- determinism ---------------------------------------------------------------------------------

WRITE_A_DAY = """
import datetime, pathlib, sys
from market_data.domain.partition import Partition
from market_data.domain.ports.source import FetchContext, Request
from market_data.sources.simulated import Simulated
unused = pathlib.Path('unused')
source = Simulated(Simulated.Options(seed=int(sys.argv[1]), defects=True), {"ETH-USD": "ETH-USD"}, unused)
partition = Partition("demo", datetime.date(2024, 3, 4), "ETH-USD")
for table in source.tables:
    source.fetch(Request(table, partition, "ETH-USD"), FetchContext(pathlib.Path(sys.argv[2]), lambda usd, what: None))
"""


def written_by_another_process(seed: int, workdir: Path) -> dict[str, bytes]:
    workdir.mkdir()
    subprocess.run([sys.executable, "-c", WRITE_A_DAY, str(seed), str(workdir)], check=True)
    return {path.name: path.read_bytes() for path in workdir.iterdir()}


def test_the_same_seed_gives_the_same_bytes_in_another_process_and_another_seed_gives_others(
    tmp_path: Path,
) -> None:
    first, second = (written_by_another_process(7, tmp_path / name) for name in ("first", "second"))
    other = written_by_another_process(8, tmp_path / "other")
    assert len(first) == len(Simulated.tables)
    assert first == second
    for table in ("trades", "quotes", "vendor_candles"):
        name = f"ETH-USD-{table}-2024-03-04.csv.gz"
        assert first[name] != other[name]


def test_the_numbers_are_those_that_every_python_version_gives() -> None:
    day = simulate(Market(7, "BTC-USD", 20_000, Decimal(60_000)), 19_786)
    assert (len(day.trades), len(day.quotes)) == (19_872, 26_860)
    assert day.trades[0] == (1709510407223591289, 1709510407223891272, 595574, 4731, "buy")
    assert day.trades[-1].price == 600700


def test_fetching_again_writes_over_what_a_killed_try_left(tmp_path: Path) -> None:
    source, wanted = exchange(), request("trades")
    [fetched] = source.fetch(wanted, at(tmp_path))
    whole = fetched.path.read_bytes()
    fetched.path.write_bytes(whole[:100])
    assert source.fetch(wanted, at(tmp_path)) == [fetched]
    assert fetched.path.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [fetched.path]


# --- a clean day ---------------------------------------------------------------------------------


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("table", Simulated.tables)
def test_a_clean_day_passes_its_contract_and_meets_the_stated_count(symbol: str, table: str, tmp_path: Path) -> None:
    source, wanted = exchange(), request(table, symbol)
    rows, broken = accepted(source, wanted, tmp_path)
    [path] = tmp_path.iterdir()
    assert broken == {}
    assert not any(batch.faults for batch in batches(source, wanted, tmp_path))
    assert source.expected(wanted, [landed(path)]) == rows.height
    about = source.estimate([wanted]).records
    assert about is not None
    assert about / 2 < rows.height < about * 2


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_trades_have_growing_ids_and_times_within_the_day(symbol: str, tmp_path: Path) -> None:
    trades = frame(exchange(), request("trades", symbol), tmp_path)
    ids, (start, end) = trades["trade_id"].cast(pl.Int64), day_bounds(DAY)
    assert (ids.diff().drop_nulls() == 1).all()
    assert ids[0] == (DAY - dt.date(1970, 1, 1)).days * 10**9
    assert trades["ts_event"].is_sorted()
    assert trades["ts_event"].is_between(start, end, closed="left").all()
    latency = trades["ts_recv"] - trades["ts_event"]
    assert latency.is_between(100_000, 20_000_000).all()
    assert trades["ts_event"].n_unique() < trades.height  # fills of one order share their instant
    assert trades["size"].max() > 50 * trades["size"].median()  # type: ignore[operator]


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_quotes_are_never_crossed_and_trades_happen_at_or_through_them(symbol: str, tmp_path: Path) -> None:
    trades = frame(exchange(), request("trades", symbol), tmp_path)
    quotes = frame(exchange(), request("quotes", symbol), tmp_path)
    assert quotes["ts_event"].is_sorted()
    assert (quotes["bid_price"] < quotes["ask_price"]).all()
    assert trades.height <= quotes.height <= 2 * trades.height
    met = trades.join_asof(quotes.select("ts_event", "bid_price", "ask_price"), on="ts_event")
    buys = pl.col("side") == "buy"
    best = pl.when(buys).then("ask_price").otherwise("bid_price")
    beyond = pl.when(buys).then(pl.col("price") - best).otherwise(best - pl.col("price"))
    assert met.select((beyond >= 0).all()).item()
    assert met.group_by("ts_event", maintain_order=True).first().select((beyond == 0).all()).item()
    assert set(trades["side"]) == {"buy", "sell"}


def reckoned_candles(
    trades: Sequence[dict[str, Any]], minutes: int, start: int, close: Decimal
) -> list[tuple[Any, ...]]:
    """Bars of a day by another way than the simulator's: one filtered list an interval, in Decimals."""
    width = minutes * NS_PER_MINUTE
    buckets: dict[int, list[tuple[Decimal, Decimal]]] = {}
    for trade in trades:
        buckets.setdefault((trade["ts_event"] - start) // width, []).append((trade["price"], trade["size"]))
    bars: list[tuple[Any, ...]] = []
    for n in range(NS_PER_DAY // width):
        prices = [price for price, _ in buckets.get(n, [])] or [close]
        volume = sum((size for _, size in buckets.get(n, [])), Decimal(0))
        turnover = Decimal(0)
        for price, size in buckets.get(n, []):
            turnover = EXACT.add(turnover, EXACT.multiply(price, size))
        vwap = EXACT.divide(turnover, volume).quantize(Decimal("1e-18"), ROUND_HALF_EVEN, EXACT) if volume else None
        ohlc = (prices[0], max(prices), min(prices), prices[-1])
        bars.append((start + n * width, *ohlc, volume, turnover, vwap, len(buckets.get(n, []))))
        close = prices[-1]
    return bars


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_vendors_candles_of_a_clean_day_equal_those_of_its_trades(symbol: str, tmp_path: Path) -> None:
    source = exchange(candles=("1m", "5m", "1h", "1d"))
    before = frame(source, request("trades", symbol, DAY - dt.timedelta(days=1)), tmp_path)
    trades = frame(source, request("trades", symbol), tmp_path).select("ts_event", "price", "size").to_dicts()
    theirs = frame(source, request("vendor_candles", symbol), tmp_path)
    assert theirs.select("kind", "instrument_id").unique().rows() == [("time", symbol)]
    columns = ["ts_open", "open", "high", "low", "close", "volume", "quote_volume", "vwap", "trade_count"]
    for timeframe, minutes in {"1m": 1, "5m": 5, "1h": 60, "1d": 1_440}.items():
        ours = reckoned_candles(trades, minutes, day_bounds(DAY)[0], before["price"][-1])
        assert theirs.filter(timeframe=timeframe).select(columns).rows() == ours


def test_vwap_is_rounded_half_to_even() -> None:
    def quotient(quote_volume: int, volume: int) -> int | None:
        return vwap(Candle(0, 1, 1, 1, 1, volume, quote_volume, 1), price_digits=18)

    assert [quotient(n, 2) for n in (1, 2, 3, 5, 7)] == [0, 1, 2, 2, 4]
    assert [quotient(n, 3) for n in (1, 2, 4, 5)] == [0, 1, 1, 2]
    assert quotient(0, 0) is None


def test_liquidity_falls_with_rank_and_the_illiquid_symbol_has_empty_minutes(tmp_path: Path) -> None:
    counts: dict[str, int] = {}
    for symbol in SYMBOLS:
        candles = frame(exchange(), request("vendor_candles", symbol), tmp_path).filter(timeframe="1m")
        counts[symbol] = int(candles["trade_count"].sum())
        empty = candles.filter(trade_count=0)
        assert (empty["high"] == empty["low"]).all()
        assert empty["vwap"].is_null().all()
        assert (empty["volume"] == 0).all()
        assert (empty.height > 900) == (symbol == ILLIQUID)
    assert counts[LIQUID] > 4 * counts[MIDDLING] > 16 * counts[ILLIQUID]


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_prices_go_on_from_day_to_day(symbol: str, tmp_path: Path) -> None:
    days = [DAY + dt.timedelta(days=n) for n in range(3)]
    prices = [frame(exchange(), request("trades", symbol, day), tmp_path)["price"] for day in days]
    for before, after in pairwise(prices):
        assert abs(after[0] / before[-1] - 1) < Decimal("0.01")
        assert abs(after[-1] / after[0] - 1) < Decimal("0.2")
    assert len({series[0] for series in prices}) == len(days)


def test_the_average_number_of_trades_and_the_range_of_prices_are_as_configured() -> None:
    market = Market(7, "SOL-USD", 300, Decimal(150))
    days = [simulate(market, 19_000 + n) for n in range(40)]
    assert 0.95 < sum(len(day.trades) for day in days) / len(days) / 300 < 1.05
    closes = [last_price(market, 19_000 + 10 * n) for n in range(60)]
    assert 0.6 * 150_000 < min(closes) < max(closes) < 1.4 * 150_000
    assert max(closes) > 1.05 * min(closes)


def test_the_last_price_found_from_the_days_end_is_the_days_last() -> None:
    for market in (Market(7, "A-B", 1, Decimal(150)), Market(7, "A-B", 3_000, Decimal("0.0001"))):
        for day_number in range(19_786, 19_796):
            assert last_price(market, day_number) == simulate(market, day_number).trades[-1].price


def test_an_instrument_says_its_steps_and_currencies_and_every_price_keeps_to_them(tmp_path: Path) -> None:
    [instrument] = frame(exchange(), request("instruments"), tmp_path).to_dicts()
    assert (instrument["instrument_id"], instrument["kind"]) == (MIDDLING, "spot")
    assert (instrument["base"], instrument["quote"]) == ("ETH", "USD")
    assert (instrument["tick_size"], instrument["lot_size"]) == (Decimal("0.01"), Decimal("0.00001"))
    trades = frame(exchange(), request("trades"), tmp_path)
    assert all(price % instrument["tick_size"] == 0 for price in trades["price"])
    assert all(size % instrument["lot_size"] == 0 for size in trades["size"])


@pytest.mark.parametrize("price", ["0.0001", "0.5", "99999", "100000000"])
def test_any_allowed_price_gives_rows_that_fit_their_tables(price: str, tmp_path: Path) -> None:
    source = exchange(start_price={MIDDLING: price})
    for table in source.tables:
        rows, broken = accepted(source, request(table), tmp_path)
        assert broken == {}
        assert rows.height > 0


# --- configuration -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"sed": 7},
        {"defects": ("crossed",)},
        {"trades_per_day": {MIDDLING: 0}},
        {"start_price": {MIDDLING: "-1"}},
        {"candles": ()},
        {"candles": ("7m",)},
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SimulatedOptions(**options)


def test_options_for_symbols_that_the_feed_lacks_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"options name XRP-USD; expected symbols of the feed: BTC-USD"):
        exchange(trades_per_day={"XRP-USD": 5})


def test_what_the_exchange_never_had_is_not_available(tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match=r"no XRP-USD; it has BTC-USD, ETH-USD, SOL-USD"):
        exchange().fetch(request("trades", "XRP-USD"), at(tmp_path))
    with pytest.raises(NotAvailable, match="opened on 1970-01-01"):
        exchange().fetch(request("trades", day=dt.date(1969, 12, 31)), at(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_importing_the_source_imports_no_polars() -> None:
    program = "import sys, market_data.sources.simulated; sys.exit('polars' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_how_its_tables_are_delivered() -> None:
    source = exchange()
    delivered = {table: source.delivery(table) for table in source.tables}
    assert {table: (d.clock, d.identity, d.running_id) for table, d in delivered.items()} == {
        "instruments": (None, ("instrument_id",), False),
        "trades": ("ts_event", ("trade_id",), True),
        "quotes": ("ts_event", (), False),
        "vendor_candles": ("ts_open", ("kind", "timeframe", "instrument_id", "ts_open"), False),
    }
    assert polars_schema(delivered["vendor_candles"].schema)["vwap"] == TURNOVER
