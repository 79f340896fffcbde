"""The simulated exchange: its days against a second reckoning in plain Decimals, its defects against their table."""

import datetime as dt
import gzip
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from market_data.domain.errors import BadFile, ConfigurationError, NotAvailable
from market_data.domain.numbers import TURNOVER
from market_data.domain.partition import Partition
from market_data.domain.ports.source import Batch, LandedFile, Request
from market_data.domain.tables._base import RECORD, contract, polars_schema
from market_data.domain.time import NS_PER_DAY, NS_PER_MINUTE, day_bounds
from market_data.sources.simulated import Simulated
from market_data.sources.simulated.candles import Candle, vwap
from market_data.sources.simulated.market import Market, last_price, simulate
from market_data.sources.simulated.options import ALL_DEFECTS, SimulatedOptions
from market_data_tests.fetching import at

DAY = dt.date(2024, 3, 4)
SYMBOLS = ("BTC-USD", "ETH-USD", "SOL-USD")
LIQUID, MIDDLING, ILLIQUID = SYMBOLS
EXACT = Context(prec=80)
UNUSED = Path("unused")


def exchange(**options: Any) -> Simulated:
    return Simulated(SimulatedOptions(**options), {symbol: symbol for symbol in SYMBOLS}, UNUSED)


def request(table: str, symbol: str = MIDDLING, day: dt.date = DAY) -> Request:
    return Request(table, Partition("demo", day, symbol), symbol)


def landed(path: Path) -> LandedFile:
    return LandedFile(path, path.name, "here", "0" * 64, path.stat().st_size)


def batches(source: Simulated, wanted: Request, workdir: Path) -> list[Batch]:
    [fetched] = source.fetch(wanted, at(workdir))
    return list(source.decode(wanted, [landed(fetched.path)]))


def frame(source: Simulated, wanted: Request, workdir: Path) -> pl.DataFrame:
    """All records of a request, numbered as the platform does."""
    return pl.concat([batch.frame for batch in batches(source, wanted, workdir)]).with_row_index("ordinal")


def accepted(source: Simulated, wanted: Request, workdir: Path) -> tuple[pl.DataFrame, dict[str, int]]:
    """The rows that the table's contract lets through, and how many broke which rule."""
    delivery = source.delivery(wanted.table)
    schema = contract(delivery.schema, wanted.partition.date, delivery.clock)
    good, failures = schema.filter(frame(source, wanted, workdir).with_row_index(RECORD), cast=True)
    return good, failures.counts()


def text_lines(path: Path) -> list[str]:
    return gzip.decompress(path.read_bytes()).decode().splitlines()


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


# --- defects -------------------------------------------------------------------------------------


def test_all_defects_leave_the_account_that_their_table_states(tmp_path: Path) -> None:
    clean = frame(exchange(), request("trades"), tmp_path)
    source, wanted = exchange(defects=True), request("trades")
    sent = batches(source, wanted, tmp_path)
    rows = pl.concat([batch.frame for batch in sent])
    [path] = [path for path in tmp_path.iterdir() if "trades" in path.name]
    assert rows.height == clean.height + 25 + 3 - 5
    assert source.expected(wanted, [landed(path)]) == clean.height + 25 + 3
    faults = Counter(fault.rule for batch in sent for fault in batch.faults)
    assert faults == {"price_is_readable": 2, "fields_are_complete": 2}
    ids = set(clean["trade_id"]) - set(rows["trade_id"].drop_nulls())
    assert len(ids) == 5 + 2  # the gap, and the ids on lines that were cut


@pytest.mark.parametrize("symbol", [MIDDLING, ILLIQUID])
@pytest.mark.parametrize(
    ("defect", "expected"),
    [
        ("impossible", {"price_is_positive": 2, "size_is_not_negative": 2}),
        ("wrong_day", {"inside_the_partition_day": 2}),
        ("unreadable", {"price|nullability": 4, "size|nullability": 2, "trade_id|nullability": 2}),
        ("outlier", {}),
        ("late_clock", {}),
        ("id_gap", {}),
    ],
)
def test_a_defect_breaks_the_contract_as_often_as_its_table_says(
    symbol: str, defect: str, expected: dict[str, int], tmp_path: Path
) -> None:
    _, broken = accepted(exchange(defects=(defect,)), request("trades", symbol), tmp_path)
    assert expected.items() <= broken.items()
    assert bool(broken) == bool(expected)


@pytest.mark.parametrize("symbol", [MIDDLING, ILLIQUID])
def test_repeats_are_whole_pages_or_disagree(symbol: str, tmp_path: Path) -> None:
    clean = frame(exchange(), request("trades", symbol), tmp_path).drop("ordinal")
    paged = frame(exchange(defects=("repeated_page",)), request("trades", symbol), tmp_path).drop("ordinal")
    assert paged.height == clean.height + 25
    assert paged.unique(maintain_order=True).equals(clean)
    torn = frame(exchange(defects=("conflicting_repeat",)), request("trades", symbol), tmp_path).drop("ordinal")
    assert torn.unique().height == torn.height == clean.height + 3
    assert torn.unique("trade_id", keep="first", maintain_order=True).equals(clean)


@pytest.mark.parametrize("symbol", [MIDDLING, ILLIQUID])
def test_defects_that_stay_are_where_they_are_said_to_be(symbol: str, tmp_path: Path) -> None:
    source = exchange(defects=("outlier", "late_clock", "crossed_quotes"))
    clean = frame(exchange(), request("trades", symbol), tmp_path)
    trades = frame(source, request("trades", symbol), tmp_path)
    quotes = frame(source, request("quotes", symbol), tmp_path)
    assert (trades["ts_recv"] < trades["ts_event"]).sum() == 5
    dearer = [(new, old) for new, old in zip(trades["price"], clean["price"], strict=True) if new != old]
    assert len(dearer) == 2
    assert all(abs(new / old - Decimal("1.1")) < Decimal("0.0001") for new, old in dearer)
    assert (quotes["bid_price"] > quotes["ask_price"]).sum() == 5


@pytest.mark.parametrize("symbol", [MIDDLING, ILLIQUID])
def test_wrong_candles_pass_the_contract_and_differ_from_the_clean_ones(symbol: str, tmp_path: Path) -> None:
    wanted = request("vendor_candles", symbol)
    clean = frame(exchange(), wanted, tmp_path)
    source = exchange(defects=("wrong_candle",))
    spoiled = frame(source, wanted, tmp_path)
    assert accepted(source, wanted, tmp_path)[1] == {}
    assert (spoiled["high"] < spoiled["close"]).sum() == 2
    assert (spoiled["volume"] != clean["volume"]).sum() == 2
    assert sum(new != old for new, old in zip(spoiled.rows(), clean.rows(), strict=True)) == 4


def test_other_defects_leave_the_vendors_candles_alone(tmp_path: Path) -> None:
    wanted, others = request("vendor_candles"), tuple(name for name in ALL_DEFECTS if name != "wrong_candle")
    assert frame(exchange(defects=others), wanted, tmp_path).equals(frame(exchange(), wanted, tmp_path))


def test_each_defect_strikes_the_same_records_whatever_others_are_asked_for(tmp_path: Path) -> None:
    wanted = request("trades")
    alone = frame(exchange(defects=("wrong_day",)), wanted, tmp_path)
    together = frame(exchange(defects=True), wanted, tmp_path)
    late = pl.col("ts_event") >= day_bounds(DAY)[1]
    assert together.filter(late)["trade_id"].to_list() == alone.filter(late)["trade_id"].to_list()


def test_a_day_of_few_trades_takes_fewer_defects(tmp_path: Path) -> None:
    source = exchange(defects=True, trades_per_day={ILLIQUID: 5})
    rows, broken = accepted(source, request("trades", ILLIQUID), tmp_path)
    assert broken == {}
    assert rows.height > 0


def test_what_is_set_aside_is_shown_as_the_vendor_wrote_it(tmp_path: Path) -> None:
    source, wanted = exchange(defects=("unreadable",)), request("trades")
    [batch] = batches(source, wanted, tmp_path)
    [path] = tmp_path.iterdir()
    lines = text_lines(path)[2:-1]
    for fault in batch.faults:
        original = batch.original(fault.row)
        written = original.get("line") or ",".join(original.values())
        assert written == lines[batch.first_record + fault.row]
    assert [batch.original(fault.row).get("price") for fault in batch.faults] == ["n/a", None, "n/a", None]


# --- files that are not what they should be -------------------------------------------------------


def rewritten(path: Path, lines: Sequence[str]) -> None:
    path.write_bytes(gzip.compress("\n".join([*lines, ""]).encode(), mtime=0))


@pytest.mark.parametrize(
    ("value", "stands"),
    [
        ("61234.5", "61234.5"),
        ("61234.123456789", "61234.123456789"),
        ("61234.1234567891", None),
        ("1234567890", None),
        ("nan", None),
        ("1\udcff", None),
    ],
)
def test_a_price_is_read_exactly_or_set_aside(value: str, stands: str | None, tmp_path: Path) -> None:
    source, wanted = exchange(), request("trades")
    [fetched] = source.fetch(wanted, at(tmp_path))
    title, header, record, *_ = text_lines(fetched.path)
    fields = record.split(",")
    fields[3] = value
    text = "\n".join([title, header, ",".join(fields), "# records: 1", ""])
    fetched.path.write_bytes(gzip.compress(text.encode(errors="surrogateescape")))
    [batch] = source.decode(wanted, [landed(fetched.path)])
    assert batch.frame["price"].to_list() == [Decimal(stands) if stands else None]
    assert len(batch.faults) == (0 if stands else 1)


def test_fields_too_many_and_lines_without_any_are_faults(tmp_path: Path) -> None:
    source, wanted = exchange(), request("trades")
    [fetched] = source.fetch(wanted, at(tmp_path))
    title, header, record, *_ = text_lines(fetched.path)
    rewritten(fetched.path, [title, header, f"{record},more", "", record, "# records: 3"])
    [batch] = source.decode(wanted, [landed(fetched.path)])
    assert [fault.row for fault in batch.faults] == [0, 1]
    assert batch.frame["price"].is_null().to_list() == [True, True, False]
    assert batch.original(1) == {"line": ""}


def test_a_large_file_comes_in_batches_that_number_their_records(tmp_path: Path) -> None:
    source, wanted = exchange(), request("trades")
    [fetched] = source.fetch(wanted, at(tmp_path))
    title, header, record, *_ = text_lines(fetched.path)
    rewritten(fetched.path, [title, header, *[record] * 250_000, "# records: 250000"])
    found = [(batch.first_record, batch.frame.height) for batch in source.decode(wanted, [landed(fetched.path)])]
    assert found == [(0, 100_000), (100_000, 100_000), (200_000, 50_000)]


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_truncated_file_is_refused_in_clear_words(share: float, tmp_path: Path) -> None:
    source, wanted = exchange(), request("trades")
    [fetched] = source.fetch(wanted, at(tmp_path))
    whole = fetched.path.read_bytes()
    fetched.path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(BadFile, match=r"cut short|does not fit"):
        source.verify(wanted, [fetched.path])
    with pytest.raises(BadFile, match=r"cut short|does not fit"):
        list(source.decode(wanted, [landed(fetched.path)]))
    assert list(tmp_path.iterdir()) == [fetched.path]


def test_other_files_are_refused_with_the_reason(tmp_path: Path) -> None:
    source, wanted = exchange(), request("trades")
    [fetched] = source.fetch(wanted, at(tmp_path))
    path, lines, whole = fetched.path, text_lines(fetched.path), fetched.path.read_bytes()

    def refused(words: str) -> None:
        with pytest.raises(BadFile, match=words):
            source.verify(wanted, [path])

    path.write_bytes(whole[:-8] + b"\0" * 8)
    refused("not a whole gzip file: CRC")
    path.write_bytes(whole[:500] + b"\xff" * 50 + whole[550:])
    refused("not a whole gzip file")
    path.write_bytes(b"PK\x03\x04")
    refused("not a whole gzip file")
    rewritten(path, lines[:-1])
    refused("its last line, '# records: N', is missing")
    rewritten(path, [*lines, lines[2]])
    refused("goes on after its last line")
    rewritten(path, [lines[0], "price,size", *lines[2:]])
    refused("expected the line 'trade_id,")
    rewritten(path, [*lines[:2], "9" * 20_000, lines[-1]])
    refused("a line of 10,000 bytes or more")


def test_a_file_of_another_table_symbol_or_day_is_refused(tmp_path: Path) -> None:
    source = exchange()
    [fetched] = source.fetch(request("trades"), at(tmp_path))
    others = (request("quotes"), request("trades", LIQUID), request("trades", day=DAY + dt.timedelta(days=1)))
    for other in others:
        with pytest.raises(BadFile, match="does not fit demo/"):
            source.verify(other, [fetched.path])
    with pytest.raises(BadFile, match="is one file of this vendor; got 2"):
        source.verify(request("trades"), [fetched.path, fetched.path])


def test_a_good_file_is_taken_under_the_vendors_name(tmp_path: Path) -> None:
    source, wanted = exchange(), request("trades")
    [fetched] = source.fetch(wanted, at(tmp_path))
    mine = fetched.path.rename(tmp_path / "mine.gz")
    [verified] = source.verify(wanted, [mine])
    assert (verified.path, verified.name, verified.origin) == (mine, fetched.name, "mine.gz")


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
