"""The defects, by name: each changes the tables of one day and says which rule of which check must find it."""

import dataclasses
from collections.abc import Callable, Mapping
from decimal import Decimal

import polars as pl

from market_data.domain.account import Account
from market_data.domain.numbers import PRICE
from market_data.domain.ports.check import RevisionFacts
from market_data.domain.time import NS_PER_HOUR, day_start
from market_data_tests.partition_view import IN_TIME, MemoryView, nothing
from market_data_tests.planted.changes import (
    Planted,
    at_places,
    bars_changed,
    places_in,
    scaled,
    setting,
    with_rows,
    without_hours,
)
from market_data_tests.planted.week import DELIVERIES, SYMBOL, TABLES


def _empty(view: MemoryView) -> Planted:
    return Planted(with_rows(view, "quotes", nothing("quotes")), "completeness", "quotes empty_session", 1)


def _missing_ids(view: MemoryView) -> Planted:
    rows = view.rows["trades"]
    left = rows.filter(~pl.int_range(pl.len()).is_in(places_in(rows, 4)))
    account = dataclasses.replace(view.accounts["trades"], records=len(left), accepted=len(left), expected=None)
    account = dataclasses.replace(account, id_holes=4)
    return Planted(
        with_rows(view, "trades", left, accounts={"trades": account}), "completeness", "trades missing_ids", 4
    )


def _gap(view: MemoryView) -> Planted:
    """An hour of quotes is lost while trades go on."""
    left = without_hours(view, "quotes", 13.0, 1.0)
    return Planted(with_rows(view, "quotes", left), "completeness", "quotes gaps", 1)


def _silence(view: MemoryView) -> Planted:
    """Three hours of which nothing tells: the feed has no ids, and nothing but trades."""
    left = without_hours(view, "trades", 12.0, 3.0)
    alone = dataclasses.replace(view, tables=("trades",), accounts={}, deliveries={"trades": DELIVERIES["quotes"]})
    return Planted(with_rows(alone, "trades", left, others={}), "completeness", "trades unexplained_silences", 1)


def _degraded(view: MemoryView) -> Planted:
    notes = {"trades": {"condition": "degraded", "remarks": ["the vendor calls the day degraded"]}}
    return Planted(dataclasses.replace(view, notes=notes), "completeness", "trades vendor_calls_it_bad", 1)


def _repeated(view: MemoryView) -> Planted:
    change = setting(trade_id=pl.col("trade_id").shift(1))
    return at_places("trades", 3, "", "dedup", change)(view)


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
    places = places_in(rows, 2)
    late = pl.when(pl.int_range(pl.len()).is_in(places)).then(NS_PER_HOUR).otherwise(0)
    moved = rows.with_columns(ts_event=pl.col("ts_event") - late, ts_recv=pl.col("ts_recv"))
    ordered = moved.sort("ts_event", "ordinal").with_columns(ts_recv=pl.col("ts_event") + 1_000)
    return Planted(with_rows(view, "quotes", ordered), "ordering", "quotes clock_runs_backwards", 2)


def _outliers(view: MemoryView) -> Planted:
    """Without the venue's statistics, which such prices contradict too."""
    rows = {name: rows for name, rows in view.rows.items() if name != "statistics"}
    without = dataclasses.replace(view, rows=rows, tables=tuple(name for name in TABLES if name != "statistics"))
    return at_places("trades", 4, "outliers", "prices", setting(price=scaled("price", "1.05")))(without)


def _stale(view: MemoryView) -> Planted:
    """Trades come for two hours, all at one price."""
    start = day_start(view.partition.date) + 15 * NS_PER_HOUR
    within = pl.col("ts_event").is_between(start, start + 2 * NS_PER_HOUR)
    price = pl.col("price").filter(within).first()
    rows = view.rows["trades"].with_columns(price=pl.when(within).then(price).otherwise("price"))
    return Planted(with_rows(view, "trades", rows), "prices", "trades stale", 1)


def _unknown_instrument(view: MemoryView) -> Planted:
    listed = view.rows["instruments"].with_columns(instrument_id=pl.lit("BBB-USD"))
    return Planted(with_rows(view, "instruments", listed), "instruments", "instruments unknown_instrument", 1)


def _off_tick(view: MemoryView) -> Planted:
    change = setting(price=(pl.col("price").cast(pl.Float64) + 0.005).round(3))
    rows = view.rows["trades"]
    changed = change(rows, places_in(rows, 4))
    return Planted(with_rows(view, "trades", changed), "instruments", "instruments off_tick_trades", 4)


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
        wrong = pl.when(pl.col("stat_type") == kind).then(scaled("price", factor)).otherwise("price").cast(PRICE)
        return Planted(
            with_rows(view, "statistics", rows.with_columns(price=wrong)), "statistics", f"statistics {kind}", 1
        )

    return plant


def _broken_bars(view: MemoryView) -> Planted:
    """Bars of a timeframe of their own, so that no other bar contradicts them."""
    extra = view.rows["candles"].filter(pl.col("timeframe") == "1m").head(3)
    broken = extra.with_columns(kind=pl.lit("tick"), timeframe=pl.lit("9t"), open=(scaled("low", "0.99")).cast(PRICE))
    return Planted(with_rows(view, "candles", pl.concat([view.rows["candles"], broken])), "ohlc", "candles", 3)


def _unlike_the_vendor(view: MemoryView) -> Planted:
    """The vendor's minutes have another count of trades, and its longer bars too."""
    change = bars_changed("1m", 3, trade_count=pl.col("trade_count") + 1)
    minutes = view.rows["vendor_candles"].filter(pl.col("timeframe") == "1m")
    return Planted(with_rows(view, "vendor_candles", change(minutes)), "vendor_candles", "candles 1m", 3)


def _wrong_hour(view: MemoryView) -> Planted:
    """Both sides have the same wrong hours: only the minutes know."""
    change = bars_changed("1h", 2, volume=(pl.col("volume").cast(pl.Float64) + 1).round(6))
    rows = {name: change(view.rows[name]) for name in ("candles", "vendor_candles")}
    alike = dataclasses.replace(view, rows={**view.rows, **rows})
    without = dataclasses.replace(alike, tables=tuple(name for name in TABLES if name != "vendor_candles"))
    return Planted(without, "timeframes", "candles 1h", 2)


def _another_market(view: MemoryView) -> Planted:
    other = view.others["other", SYMBOL]
    candles = other.rows["candles"].with_columns(close=(scaled("close", "1.02")).cast(PRICE))
    others = {("other", SYMBOL): MemoryView({"candles": candles}, partition=other.partition)}
    return Planted(dataclasses.replace(view, others=others), "cross_vendor", "candles close", 1.0)


def _locked(view: MemoryView) -> Planted:
    rows = view.rows["quotes"]
    changed = setting(ask_price=pl.col("bid_price"))(rows, range(0, len(rows), 10))
    share = len(range(0, len(rows), 10)) / len(rows)
    return Planted(with_rows(view, "quotes", changed), "book", "quotes locked", share)


DEFECTS: Mapping[str, Callable[[MemoryView], Planted]] = {
    "a session without a row": _empty,
    "four ids missing": _missing_ids,
    "an hour of quotes lost": _gap,
    "a silence of three hours that nothing explains": _silence,
    "the vendor calls the day degraded": _degraded,
    "three ids repeated": _repeated,
    "a table that never came": _never_came,
    "five records short of the vendor's count": _short,
    "trades received before they happened": at_places(
        "trades", 5, "received_before_it_happened", "ordering", setting(ts_recv=pl.col("ts_event") - 1)
    ),
    "received times that jump an hour ahead": at_places(
        "quotes", 2, "receipt_runs_backwards", "ordering", setting(ts_recv=pl.col("ts_event") + NS_PER_HOUR)
    ),
    "quotes sent out of order": _ran_backwards,
    "trades of another day": at_places(
        "trades", 2, "outside_the_day", "ordering", setting(ts_event=pl.col("ts_event") - 48 * NS_PER_HOUR)
    ),
    "prices 5 % off": _outliers,
    "quotes 5 % off": at_places(
        "quotes",
        4,
        "outliers",
        "prices",
        setting(bid_price=scaled("bid_price", "0.95"), ask_price=scaled("ask_price", "0.95")),
    ),
    "one price for two hours": _stale,
    "trades of size 0": at_places("trades", 3, "zero_size", "tape", setting(size=Decimal(0))),
    "trades of an absurd size": at_places("trades", 2, "absurd_size", "tape", setting(size=Decimal(10_000_000))),
    "bid and ask swapped": at_places(
        "quotes", 5, "crossed", "book", setting(bid_price=pl.col("ask_price"), ask_price=pl.col("bid_price"))
    ),
    "every tenth quote locked": _locked,
    "asks ten times too high": at_places(
        "quotes", 3, "absurd_spread", "book", setting(ask_price=scaled("ask_price", "10"))
    ),
    "quotes of size 0": at_places("quotes", 3, "zero_size", "book", setting(bid_size=Decimal(0))),
    "quotes of an absurd size": at_places("quotes", 2, "absurd_size", "book", setting(ask_size=Decimal(10_000_000))),
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
