"""A generated week and defects planted at known places in it: what each check must find, and nothing else.

The week is the simulated exchange's own market, as frames. A defect changes the tables of one day and says which rule
of which check must find how many of it.
"""

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

import polars as pl

from market_data.domain.account import Account
from market_data.domain.candles import candle_kind
from market_data.domain.checks import check, check_names
from market_data.domain.checks.cross_vendor import Limits as CrossVendorLimits
from market_data.domain.numbers import PRICE, SIZE
from market_data.domain.partition import Partition
from market_data.domain.ports.candle_kind import BarContext
from market_data.domain.ports.check import Finding, RevisionFacts
from market_data.domain.ports.source import Delivery
from market_data.domain.tables import table
from market_data.domain.tables._base import polars_schema
from market_data.domain.time import NS_PER_HOUR, day_start
from market_data.sources.simulated.market import Market, simulate
from market_data_tests.partition_view import IN_TIME, MemoryView, nothing

FIRST_DAY = dt.date(2024, 1, 15)
DAYS = 7
SYMBOL = "AAA-USD"
TABLES = ("instruments", "trades", "quotes", "statistics", "vendor_candles", "candles")
_GRADED, _OFF = (3_000, 300, 60), ("1.005", "1.011", "1.015", "1.02", "1.03", "1.05", "1.1")
ILLIQUID = (20, 60, 300, 1_000)
"""Trades a day."""
TIMEFRAMES = ("1m", "5m", "1h", "1d")
DELIVERIES: Mapping[str, Delivery] = {
    "instruments": Delivery(table("instruments").schema, None, ("instrument_id",)),
    "trades": Delivery(table("trades").schema, "ts_event", ("trade_id",), running_id=True),
    "quotes": Delivery(table("quotes").schema, "ts_event"),
    "statistics": Delivery(table("statistics").schema, "ts_event"),
    "vendor_candles": Delivery(table("vendor_candles").schema, "ts_open", ("kind", "timeframe", "ts_open")),
}
Found = dict[tuple[str, str], float]
"""What failed, by check and by table with its rule: the figure that was measured."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A day with a defect.

    Attributes:
        check: whose it is to find.
        rule: the rule that must break, as findings name it; the table where a check names none.
        count: how much of it must be measured.
    """

    view: MemoryView
    check: str
    rule: str
    count: float


def clean_day(number: int, trades_per_day: int = 3_000) -> MemoryView:
    """A day of the week without a defect."""
    rows = _rows(number, trades_per_day)
    partition = Partition("planted", FIRST_DAY + dt.timedelta(days=number), SYMBOL)
    due = dt.datetime.combine(partition.date + dt.timedelta(days=1), dt.time(12), dt.UTC)
    other = MemoryView({"candles": rows["candles"]}, partition=Partition("other", partition.date, SYMBOL))
    ids = rows["trades"]["trade_id"].cast(pl.Int64).to_list()
    account = Account(len(ids), len(ids), expected=len(ids), first_id=ids[0], last_id=ids[-1], id_holes=0)
    return MemoryView(
        rows,
        tables=TABLES,
        deliveries=DELIVERIES,
        accounts={"trades": account},
        partition=partition,
        due_at=due,
        first_committed_at=due - dt.timedelta(hours=3),
        limits={("cross_vendor", "candles"): CrossVendorLimits(feed="other")},
        others={("other", SYMBOL): other},
        before={name: RevisionFacts(1, Account(1, 1), IN_TIME, {}, "c") for name in TABLES},
    )


@cache
def _rows(number: int, trades_per_day: int) -> dict[str, pl.DataFrame]:
    day = FIRST_DAY + dt.timedelta(days=number)
    market = Market(7, SYMBOL, trades_per_day, Decimal(3_000))
    simulated = simulate(market, (day - dt.date(1970, 1, 1)).days)
    price, size = 10 ** (9 - market.price_digits), 10 ** (9 - market.size_digits)
    trades = pl.DataFrame(simulated.trades, schema=["ts_event", "ts_recv", "price", "size", "side"], orient="row")
    names = ["ts_event", "ts_recv", "bid_price", "bid_size", "ask_price", "ask_size"]
    quotes = pl.DataFrame(simulated.quotes, schema=names, orient="row")
    first_id = number * 1_000_000
    trades = _typed("trades", trades, price, size, trade_id=(pl.int_range(pl.len()) + first_id).cast(pl.String))
    context = BarContext(day, "ts_event", SYMBOL)
    candles = candle_kind("time").build(trades.lazy(), TIMEFRAMES, context).collect()
    listed = {"instrument_id": SYMBOL, "raw_symbol": SYMBOL, "kind": "spot"}
    tick = {"tick_size": Decimal(1).scaleb(-market.price_digits)}
    instruments = pl.DataFrame([{**listed, **tick}], schema=polars_schema(table("instruments").schema))
    rows = {"instruments": instruments, "trades": trades, "quotes": _typed("quotes", quotes, price, size)}
    return {**rows, "statistics": _statistics(day, trades), "vendor_candles": candles, "candles": candles}


def _typed(name: str, rows: pl.DataFrame, price: int, size: int, **more: pl.Expr) -> pl.DataFrame:
    """Ticks and lots as exact decimals, in the table's columns."""
    types = polars_schema(table(name).schema)
    scale: dict[pl.DataType, int] = {PRICE: price, SIZE: size}
    decimals = [
        (pl.col(column).cast(pl.Int128) * scale[kind]).reinterpret(dtype=kind)
        for column, kind in types.items()
        if kind in scale
    ]
    ordinal = pl.int_range(pl.len(), dtype=pl.Int64)
    return rows.with_columns(*decimals, ordinal=ordinal, **more).select(list(types))


def _statistics(day: dt.date, trades: pl.DataFrame) -> pl.DataFrame:
    """What the venue says at 18:00 of the session so far, and of its volume at the day's end."""
    at = day_start(day) + 18 * NS_PER_HOUR
    before = trades.filter(pl.col("ts_event") < at)
    said = {
        "trading_session_high_price": before["price"].max(),
        "trading_session_low_price": before["price"].min(),
        "settlement_price": before["price"][-1],
    }
    rows = [
        {"ts_event": at, "ordinal": n, "instrument_id": SYMBOL, "stat_type": kind, "price": value}
        for n, (kind, value) in enumerate(said.items())
    ]
    return pl.DataFrame(rows, schema=polars_schema(table("statistics").schema))


def found(view: MemoryView) -> Found:
    """What fails of all checks of a day."""
    failed = [finding for name in check_names() for finding in check(name).run(view) if not finding.passed]
    return {(finding.check, _rule(finding)): finding.measured or 0.0 for finding in failed}


def _rule(finding: Finding) -> str:
    rule = finding.detail.get("rule", finding.detail.get("timeframe", ""))
    return f"{finding.table} {rule}".strip()


Change = Callable[[pl.DataFrame, Sequence[int]], pl.DataFrame]


def _places(rows: pl.DataFrame, count: int) -> list[int]:
    """Rows spread over the day, none at its edges."""
    return [(n + 1) * len(rows) // (count + 1) for n in range(count)]


def _set(**columns: Any) -> Change:
    """Other values at the places."""

    def change(rows: pl.DataFrame, places: Sequence[int]) -> pl.DataFrame:
        here = pl.int_range(pl.len()).is_in(list(places))
        types = rows.schema
        values = {
            name: value if isinstance(value, pl.Expr) else pl.lit(value).cast(types[name])
            for name, value in columns.items()
        }
        return rows.with_columns(
            pl.when(here).then(value.cast(types[name])).otherwise(pl.col(name)).alias(name)
            for name, value in values.items()
        )

    return change


def _with(view: MemoryView, name: str, rows: pl.DataFrame, **more: Any) -> MemoryView:
    return dataclasses.replace(view, rows={**view.rows, name: rows}, **more)


def _at(name: str, count: int, rule: str, of: str, change: Change) -> Callable[[MemoryView], Planted]:
    """`count` rows of a table changed; `of` the check that finds them by `rule`."""

    def plant(view: MemoryView) -> Planted:
        rows = view.rows[name]
        return Planted(_with(view, name, change(rows, _places(rows, count))), of, f"{name} {rule}".strip(), count)

    return plant


def _whole(price: str, factor: str) -> pl.Expr:
    """A price times a factor, still a whole tick."""
    return (pl.col(price).cast(pl.Float64) * float(factor)).round(2)


def _without(view: MemoryView, name: str, start_hour: float, hours: float) -> tuple[pl.DataFrame, int]:
    """A table without the rows of some hours, and how many those were."""
    start = day_start(view.partition.date) + int(start_hour * NS_PER_HOUR)
    rows = view.rows[name]
    left = rows.filter(~pl.col("ts_event").is_between(start, start + int(hours * NS_PER_HOUR)))
    return left, len(rows) - len(left)


def _empty(view: MemoryView) -> Planted:
    return Planted(_with(view, "quotes", nothing("quotes")), "completeness", "quotes empty_session", 1)


def _missing_ids(view: MemoryView) -> Planted:
    rows = view.rows["trades"]
    left = rows.filter(~pl.int_range(pl.len()).is_in(_places(rows, 4)))
    account = dataclasses.replace(view.accounts["trades"], records=len(left), accepted=len(left), expected=None)
    account = dataclasses.replace(account, id_holes=4)
    return Planted(_with(view, "trades", left, accounts={"trades": account}), "completeness", "trades missing_ids", 4)


def _gap(view: MemoryView) -> Planted:
    """An hour of quotes is lost while trades go on."""
    left, _ = _without(view, "quotes", 13.0, 1.0)
    return Planted(_with(view, "quotes", left), "completeness", "quotes gaps", 1)


def _silence(view: MemoryView) -> Planted:
    """Three hours of which nothing tells: the feed has no ids, and nothing but trades."""
    left, _ = _without(view, "trades", 12.0, 3.0)
    alone = dataclasses.replace(view, tables=("trades",), accounts={}, deliveries={"trades": DELIVERIES["quotes"]})
    return Planted(_with(alone, "trades", left, others={}), "completeness", "trades unexplained_silences", 1)


def halt(view: MemoryView) -> MemoryView:
    """No defect: trades and quotes stop for an hour, and the ids go on where they stopped."""
    left, _ = _without(view, "trades", 13.0, 1.0)
    quotes, _ = _without(view, "quotes", 13.0, 1.0)
    rows = {"trades": left.with_columns(trade_id=pl.int_range(pl.len()).cast(pl.String)), "quotes": quotes}
    accounts = {"trades": Account(len(left), len(left), first_id=0, last_id=len(left) - 1, id_holes=0)}
    bars = candle_kind("time").build(left.lazy(), TIMEFRAMES, BarContext(view.partition.date, "ts_event", SYMBOL))
    candles = bars.collect()
    other = {("other", SYMBOL): MemoryView({"candles": candles})}
    with_bars = {**view.rows, **rows, "candles": candles, "vendor_candles": candles}
    return dataclasses.replace(view, rows=with_bars, accounts=accounts, others=other)


def _degraded(view: MemoryView) -> Planted:
    notes = {"trades": {"condition": "degraded", "remarks": ["the vendor calls the day degraded"]}}
    return Planted(dataclasses.replace(view, notes=notes), "completeness", "trades vendor_calls_it_bad", 1)


def _repeated(view: MemoryView) -> Planted:
    change = _set(trade_id=pl.col("trade_id").shift(1))
    return _at("trades", 3, "", "dedup", change)(view)


def _never_came(view: MemoryView) -> Planted:
    rows = {name: rows for name, rows in view.rows.items() if name != "quotes"}
    return Planted(dataclasses.replace(view, rows=rows), "freshness", "quotes", 0)


def _short(view: MemoryView) -> Planted:
    account = view.accounts["trades"]
    accounts = {"trades": dataclasses.replace(account, expected=account.records + 5)}
    return Planted(dataclasses.replace(view, accounts=accounts), "row_account", "trades", 5)


def _ran_backwards(view: MemoryView) -> Planted:
    """Two quotes come after ones that are an hour later: they stand by their time, their ordinals where they came."""
    rows = view.rows["quotes"]
    places = _places(rows, 2)
    late = pl.when(pl.int_range(pl.len()).is_in(places)).then(NS_PER_HOUR).otherwise(0)
    moved = rows.with_columns(ts_event=pl.col("ts_event") - late, ts_recv=pl.col("ts_recv"))
    ordered = moved.sort("ts_event", "ordinal").with_columns(ts_recv=pl.col("ts_event") + 1_000)
    return Planted(_with(view, "quotes", ordered), "ordering", "quotes clock_runs_backwards", 2)


def _outliers(view: MemoryView) -> Planted:
    """Without the venue's statistics, which such prices contradict too."""
    rows = {name: rows for name, rows in view.rows.items() if name != "statistics"}
    without = dataclasses.replace(view, rows=rows, tables=tuple(name for name in TABLES if name != "statistics"))
    return _at("trades", 4, "outliers", "prices", _set(price=_whole("price", "1.05")))(without)


def _stale(view: MemoryView) -> Planted:
    """Trades come for two hours, all at one price."""
    start = day_start(view.partition.date) + 15 * NS_PER_HOUR
    within = pl.col("ts_event").is_between(start, start + 2 * NS_PER_HOUR)
    price = pl.col("price").filter(within).first()
    rows = view.rows["trades"].with_columns(price=pl.when(within).then(price).otherwise("price"))
    return Planted(_with(view, "trades", rows), "prices", "trades stale", 1)


def _unknown_instrument(view: MemoryView) -> Planted:
    listed = view.rows["instruments"].with_columns(instrument_id=pl.lit("BBB-USD"))
    return Planted(_with(view, "instruments", listed), "instruments", "instruments unknown_instrument", 1)


def _off_tick(view: MemoryView) -> Planted:
    change = _set(price=(pl.col("price").cast(pl.Float64) + 0.005).round(3))
    rows = view.rows["trades"]
    changed = change(rows, _places(rows, 4))
    return Planted(_with(view, "trades", changed), "instruments", "instruments off_tick_trades", 4)


def _other_columns(view: MemoryView) -> Planted:
    notes = {"trades": {"columns": ["time", "price", "amount"]}}
    facts = RevisionFacts(1, Account(1, 1), IN_TIME, {"columns": ["time", "price", "size"]}, "c")
    changed = dataclasses.replace(view, notes=notes, before={**view.before, "trades": facts})
    return Planted(changed, "schema_drift", "trades vendor_columns", 2)


def _our_columns(view: MemoryView) -> Planted:
    facts = RevisionFacts(1, Account(1, 1), IN_TIME, {}, "other")
    before = {**view.before, "trades": facts}
    return Planted(dataclasses.replace(view, before=before), "schema_drift", "trades our_columns", 1)


def _statistic(kind: str, factor: str) -> Callable[[MemoryView], Planted]:
    def plant(view: MemoryView) -> Planted:
        rows = view.rows["statistics"]
        wrong = pl.when(pl.col("stat_type") == kind).then(_whole("price", factor)).otherwise("price").cast(PRICE)
        return Planted(_with(view, "statistics", rows.with_columns(price=wrong)), "statistics", f"statistics {kind}", 1)

    return plant


def _bars(name: str, timeframe: str, count: int, **columns: Any) -> tuple[Callable[[pl.DataFrame], pl.DataFrame], int]:
    def change(rows: pl.DataFrame) -> pl.DataFrame:
        wanted = pl.int_range(pl.len()).filter((pl.col("timeframe") == timeframe) & (pl.col("volume") > 0))
        places = rows.select(wanted).to_series().to_list()
        chosen = [places[(n + 1) * len(places) // (count + 1)] for n in range(count)]
        return _set(**columns)(rows, chosen)

    return change, count


def _broken_bars(view: MemoryView) -> Planted:
    """Bars of a timeframe of their own, so that no other bar contradicts them."""
    extra = view.rows["candles"].filter(pl.col("timeframe") == "1m").head(3)
    broken = extra.with_columns(kind=pl.lit("tick"), timeframe=pl.lit("9t"), open=(_whole("low", "0.99")).cast(PRICE))
    return Planted(_with(view, "candles", pl.concat([view.rows["candles"], broken])), "ohlc", "candles", 3)


def _unlike_the_vendor(view: MemoryView) -> Planted:
    """The vendor's minutes have another count of trades, and its longer bars too."""
    change, count = _bars("vendor_candles", "1m", 3, trade_count=pl.col("trade_count") + 1)
    minutes = view.rows["vendor_candles"].filter(pl.col("timeframe") == "1m")
    return Planted(_with(view, "vendor_candles", change(minutes)), "vendor_candles", "candles 1m", count)


def _wrong_hour(view: MemoryView) -> Planted:
    """Both sides have the same wrong hours: only the minutes know."""
    change, count = _bars("candles", "1h", 2, volume=(pl.col("volume").cast(pl.Float64) + 1).round(6))
    rows = {name: change(view.rows[name]) for name in ("candles", "vendor_candles")}
    alike = dataclasses.replace(view, rows={**view.rows, **rows})
    without = dataclasses.replace(alike, tables=tuple(name for name in TABLES if name != "vendor_candles"))
    return Planted(without, "timeframes", "candles 1h", count)


def _another_market(view: MemoryView) -> Planted:
    other = view.others["other", SYMBOL]
    candles = other.rows["candles"].with_columns(close=(_whole("close", "1.02")).cast(PRICE))
    others = {("other", SYMBOL): MemoryView({"candles": candles}, partition=other.partition)}
    return Planted(dataclasses.replace(view, others=others), "cross_vendor", "candles close", 1.0)


def _locked(view: MemoryView) -> Planted:
    rows = view.rows["quotes"]
    changed = _set(ask_price=pl.col("bid_price"))(rows, range(0, len(rows), 10))
    share = len(range(0, len(rows), 10)) / len(rows)
    return Planted(_with(view, "quotes", changed), "book", "quotes locked", share)


DEFECTS: Mapping[str, Callable[[MemoryView], Planted]] = {
    "a session without a row": _empty,
    "four ids missing": _missing_ids,
    "an hour of quotes lost": _gap,
    "a silence of three hours that nothing explains": _silence,
    "the vendor calls the day degraded": _degraded,
    "three ids repeated": _repeated,
    "a table that never came": _never_came,
    "five records short of the vendor's count": _short,
    "trades received before they happened": _at(
        "trades", 5, "received_before_it_happened", "ordering", _set(ts_recv=pl.col("ts_event") - 1)
    ),
    "received times that jump an hour ahead": _at(
        "quotes", 2, "receipt_runs_backwards", "ordering", _set(ts_recv=pl.col("ts_event") + NS_PER_HOUR)
    ),
    "quotes sent out of order": _ran_backwards,
    "trades of another day": _at(
        "trades", 2, "outside_the_day", "ordering", _set(ts_event=pl.col("ts_event") - 48 * NS_PER_HOUR)
    ),
    "prices 5 % off": _outliers,
    "quotes 5 % off": _at(
        "quotes",
        4,
        "outliers",
        "prices",
        _set(bid_price=_whole("bid_price", "0.95"), ask_price=_whole("ask_price", "0.95")),
    ),
    "one price for two hours": _stale,
    "trades of size 0": _at("trades", 3, "zero_size", "tape", _set(size=Decimal(0))),
    "trades of an absurd size": _at("trades", 2, "absurd_size", "tape", _set(size=Decimal(10_000_000))),
    "bid and ask swapped": _at(
        "quotes", 5, "crossed", "book", _set(bid_price=pl.col("ask_price"), ask_price=pl.col("bid_price"))
    ),
    "every tenth quote locked": _locked,
    "asks ten times too high": _at("quotes", 3, "absurd_spread", "book", _set(ask_price=_whole("ask_price", "10"))),
    "quotes of size 0": _at("quotes", 3, "zero_size", "book", _set(bid_size=Decimal(0))),
    "quotes of an absurd size": _at("quotes", 2, "absurd_size", "book", _set(ask_size=Decimal(10_000_000))),
    "bars whose open is below the low": _broken_bars,
    "bars unlike the vendor's": _unlike_the_vendor,
    "hours that their minutes do not give": _wrong_hour,
    "an instrument that is not listed": _unknown_instrument,
    "prices between two ticks": _off_tick,
    "a column of the vendor's renamed": _other_columns,
    "other columns of ours from the same code": _our_columns,
    "a high below the trades": _statistic("trading_session_high_price", "0.999"),
    "a low above the trades": _statistic("trading_session_low_price", "1.001"),
    "a settlement far from the trades": _statistic("settlement_price", "1.5"),
    "another vendor 2 % away": _another_market,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was planted on a day, and everything that failed of it."""

    planted: Planted
    found: Found


@cache
def verdict(name: str) -> Verdict:
    """One defect, on a day of its own of the week."""
    planted = DEFECTS[name](clean_day(list(DEFECTS).index(name) % DAYS))
    return Verdict(planted, found(planted.view))


@cache
def clean_findings() -> tuple[Found, ...]:
    """What fails where nothing is planted: the week, days of illiquid symbols, and a halt."""
    illiquid = [clean_day(day, count) for count in ILLIQUID for day in range(3)]
    return tuple(found(view) for view in (*(clean_day(day) for day in range(DAYS)), *illiquid, halt(clean_day(1))))


def tables() -> str:
    """The tables of docs/quality.md: each defect, each check's precision and recall, how weak a defect may be."""
    verdicts = {name: verdict(name) for name in DEFECTS}
    head = ["| check | planted on a day | finding | planted | measured |", "| --- | --- | --- | --- | --- |"]
    rows = [_defect_row(name, of) for name, of in sorted(verdicts.items(), key=lambda each: each[1].planted.check)]
    checks = [
        "| check | days planted | found | false alarms | precision | recall |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    checks += [_check_row(name, list(verdicts.values())) for name in check_names()]
    return "\n".join([*head, *rows, "", *checks, "", *_graded()])


def _graded() -> Iterator[str]:
    """Which share of five bad prices is found, by how far off they are and how often the symbol trades."""
    yield f"| prices off by | {' | '.join(f'{count:,} trades a day' for count in _GRADED)} |"
    yield f"|{' --- |' * (len(_GRADED) + 1)}"
    for off in _OFF:
        shares = [f"{_recall(count, off):.2f}" for count in _GRADED]
        yield f"| {100 * (float(off) - 1):.4g} % | {' | '.join(shares)} |"


def _recall(trades_per_day: int, off: str) -> float:
    view = clean_day(2, trades_per_day)
    rows, places = view.rows["trades"], _places(view.rows["trades"], 5)
    bad = _with(view, "trades", _set(price=_whole("price", off))(rows, places))
    outliers = [each for each in check("prices").run(bad) if each.detail.get("rule") == "outliers"]
    shown = {row["ordinal"] for each in outliers for row in each.detail["first"]}
    return len(shown & set(places)) / len(places)


def _defect_row(name: str, of: Verdict) -> str:
    measured = of.found.get((of.planted.check, of.planted.rule))
    figure = "nothing" if measured is None else f"{measured:.4g}"
    return f"| `{of.planted.check}` | {name} | {of.planted.rule} | {of.planted.count:.4g} | {figure} |"


def _check_row(name: str, verdicts: Sequence[Verdict]) -> str:
    mine = [each for each in verdicts if each.planted.check == name]
    hits = sum((name, each.planted.rule) in each.found for each in mine)
    expected = {id(each): (name, each.planted.rule) for each in mine}
    false = sum(key[0] == name and key != expected.get(id(each)) for each in verdicts for key in each.found)
    false += sum(key[0] == name for found_there in clean_findings() for key in found_there)
    precision = hits / (hits + false) if hits + false else 0.0
    return f"| `{name}` | {len(mine)} | {hits} | {false} | {precision:.2f} | {hits / len(mine):.2f} |"
