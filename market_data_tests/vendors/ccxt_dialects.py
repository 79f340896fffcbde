"""What each exchange answers: paths, parameters and forms as the installed CCXT's source and their documents have them.

One truth, four ways of telling it. No sockets here.
"""

import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from market_data.domain.time import NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND, to_ns
from market_data_tests.vendors.ccxt_truth import Truth
from market_data_tests.vendors.faults import Answer

Query = dict[str, str]
_MS = 1_000_000
_BINANCE_STEPS = {"1m": NS_PER_MINUTE, "5m": 5 * NS_PER_MINUTE, "1h": NS_PER_HOUR}
_ADVANCED_STEPS = {"ONE_MINUTE": NS_PER_MINUTE, "FIVE_MINUTE": 5 * NS_PER_MINUTE, "ONE_HOUR": NS_PER_HOUR}


@dataclass
class Market:
    """BTC/USDT on every exchange.

    Attributes:
        truth: what was traded.
        now_ns: the exchanges' clock; the bar in which it lies is still forming.
        largest_page: no answer has more trades, whatever it is asked for.
        windows_give_last: whether Binance's answers by time hold the last of the window's trades, not the first.
    """

    truth: Truth
    now_ns: int
    largest_page: int = 1_000
    windows_give_last: bool = False


def answer(market: Market, path: str, query: Query) -> Answer:
    """What is answered to a GET."""
    for end, handler in _HANDLERS.items():
        if path.endswith(end):
            return handler(market, query)
    return _json({"message": "NotFound"}, 404)


# --- Binance -------------------------------------------------------------------------------------


def _exchange_info(_: Market, __: Query) -> Answer:
    filters = [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01000000"},
        {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00", "stepSize": "0.00001000"},
        {"filterType": "NOTIONAL", "minNotional": "5.00000000"},
    ]
    symbol = {
        **{"symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT"},
        **{"baseAssetPrecision": 8, "quotePrecision": 8, "quoteAssetPrecision": 8, "isSpotTradingAllowed": True},
        **{"orderTypes": ["LIMIT"], "filters": filters, "permissions": ["SPOT"], "permissionSets": [["SPOT"]]},
    }
    return _json({"timezone": "UTC", "serverTime": 1, "rateLimits": [], "exchangeFilters": [], "symbols": [symbol]})


def _agg_trades(market: Market, query: Query) -> Answer:
    truth, limit = market.truth, min(int(query.get("limit", 500)), 1_000, market.largest_page)
    if query["symbol"] != "BTCUSDT":
        return _json({"code": -1121, "msg": "Invalid symbol."}, 400)
    if "fromId" in query:
        if "startTime" in query or "endTime" in query:
            return _json({"code": -1128, "msg": "Combination of optional parameters invalid."}, 400)
        first = int(np.searchsorted(truth.id, int(query["fromId"])))
        return _json_text(_aggregates(truth, slice(first, first + limit)))
    if "startTime" not in query:
        return _json_text(_aggregates(truth, slice(max(len(truth.id) - limit, 0), len(truth.id))))
    start = int(query["startTime"]) * _MS
    end = (int(query["endTime"]) + 1) * _MS if "endTime" in query else start + NS_PER_HOUR
    if end - start > NS_PER_HOUR + _MS:
        return _json({"code": -1127, "msg": "More than 1 hours between startTime and endTime."}, 400)
    first, last = (int(i) for i in np.searchsorted(truth.ns, [start, end]))
    span = slice(max(first, last - limit), last) if market.windows_give_last else slice(first, min(first + limit, last))
    return _json_text(_aggregates(truth, span))


def _aggregates(truth: Truth, span: slice) -> str:
    return "[{}]".format(
        ",".join(
            f'{{"a":{i},"p":"{_text(p, 2)}","q":"{_text(q, 8)}","f":{3 * i},"l":{3 * i + i % 3},"T":{t // _MS},'
            f'"m":{"false" if b else "true"},"M":true}}'
            for i, t, p, q, b in _rows(truth, span)
        )
    )


def _klines(market: Market, query: Query) -> Answer:
    step = _BINANCE_STEPS[query["interval"]]
    first = int(query["startTime"]) * _MS
    last = int(query["endTime"]) * _MS if "endTime" in query else market.now_ns
    bars = [bar for bar in market.truth.bars("binance", step, market.now_ns, flat=True) if first <= bar["ns"] <= last]
    return _json(
        [
            [
                bar["ns"] // _MS,
                *(_text(bar[name], 2) for name in ("open", "high", "low", "close")),
                _text(bar["volume"], 8),
                (bar["ns"] + step) // _MS - 1,
                format(Decimal(bar["turnover"]).scaleb(-10), "f"),
                bar["aggregated"],
                *("0.1", "0.1", "0"),
            ]
            for bar in bars[: min(int(query.get("limit", 500)), 1_000)]
        ]
    )


# --- Kraken --------------------------------------------------------------------------------------


def _kraken(result: Any) -> Answer:
    return _json({"error": [], "result": result})


def _assets(_: Market, __: Query) -> Answer:
    return _kraken({n: {"altname": a, "decimals": 10} for n, a in {"XXBT": "XBT", "USDT": "USDT"}.items()})


def _pairs(_: Market, __: Query) -> Answer:
    pair = {
        **{"altname": "XBTUSDT", "wsname": "XBT/USDT", "base": "XXBT", "quote": "USDT", "status": "online"},
        **{"pair_decimals": 2, "lot_decimals": 8, "leverage_buy": [], "fees": [[0, 0.4]], "fees_maker": [[0, 0.25]]},
        **{"ordermin": "0.0001", "costmin": "0.5", "tick_size": "0.01"},
    }
    return _kraken({"XBTUSDT": pair})


def _kraken_trades(market: Market, query: Query) -> Answer:
    truth, since = market.truth, int(query["since"])
    if query["pair"] != "XBTUSDT":
        return _json({"error": ["EQuery:Unknown asset pair"]})
    count = min(int(query.get("count", 1_000)), 1_000, market.largest_page)
    first = int(np.searchsorted(truth.ns, since, side="right"))  # the cursor's own ns is left out
    span = slice(first, first + count)
    times = truth.times["kraken"][span].tolist()
    trades = ",".join(
        f'["{_text(p, 2)}","{_text(q, 8)}",{t // NS_PER_SECOND}.{t % NS_PER_SECOND // 100:07d},'
        f'"{"b" if b else "s"}","{"m" if b else "l"}","",{i}]'
        for (i, _, p, q, b), t in zip(_rows(truth, span), times, strict=True)
    )
    last = int(truth.ns[span][-1]) if times else since
    return _json_text(f'{{"error":[],"result":{{"XBTUSDT":[{trades}],"last":"{last}"}}}}')


def _ohlc(market: Market, query: Query) -> Answer:
    step = int(query["interval"]) * NS_PER_MINUTE
    bars = market.truth.bars("kraken", step, market.now_ns, flat=True)[-721:]
    rows = [
        [
            bar["ns"] // NS_PER_SECOND,
            *(_text(bar[name], 2) for name in ("open", "high", "low", "close")),
            "30000.1" if bar["count"] else "0.0",
            _text(bar["volume"], 8),
            bar["count"],
        ]
        for bar in bars
        if bar["ns"] > int(query.get("since", 0)) * NS_PER_SECOND
    ]
    return _kraken({"XBTUSDT": rows, "last": bars[-2]["ns"] // NS_PER_SECOND})


# --- Coinbase Exchange ---------------------------------------------------------------------------


def _products(_: Market, __: Query) -> Answer:
    product = {
        **{"id": "BTC-USDT", "base_currency": "BTC", "quote_currency": "USDT", "status": "online"},
        **{"quote_increment": "0.01", "base_increment": "0.00000001", "min_market_funds": "1"},
    }
    return _json([product])


def _product_trades(market: Market, query: Query) -> Answer:
    truth, limit = market.truth, min(int(query.get("limit", 1_000)), 1_000, market.largest_page)
    below = int(np.searchsorted(truth.id, int(query["after"]))) if "after" in query else len(truth.id)
    span = slice(max(below - limit, 0), below)
    trades = [
        f'{{"trade_id":{i},"side":"{"sell" if b else "buy"}","size":"{_text(q, 8)}","price":"{_text(p, 2)}",'
        f'"time":"{_iso(t)}"}}'
        for i, t, p, q, b in _rows(truth, span)
    ]
    made = _json_text("[{}]".format(",".join(trades[::-1])))
    if trades:
        made.headers |= {"CB-AFTER": str(truth.id[span][0]), "CB-BEFORE": str(truth.id[span][-1])}
    return made


def _product_candles(market: Market, query: Query) -> Answer:
    step = int(query["granularity"]) * NS_PER_SECOND
    first, last = (to_ns(dt.datetime.fromisoformat(query[name])) for name in ("start", "end"))
    if (last - first) // step >= 300:
        return _json({"message": "granularity too small for the requested time range"}, 400)
    # It writes its figures as JSON numbers.
    rows = [
        f"[{b['ns'] // NS_PER_SECOND},{_text(b['low'], 2)},{_text(b['high'], 2)},{_text(b['open'], 2)},"
        f"{_text(b['close'], 2)},{_text(b['volume'], 8)}]"
        for b in market.truth.bars("coinbase", step, market.now_ns, flat=False)
        if first <= b["ns"] <= last
    ]
    return _json_text("[{}]".format(",".join(rows[::-1])))


# --- Coinbase Advanced ---------------------------------------------------------------------------


def _advanced_products(_: Market, query: Query) -> Answer:
    product = {
        **{"product_id": "BTC-USDT", "price": "30000", "base_increment": "0.00000001", "quote_increment": "0.01"},
        **{"quote_min_size": "1", "quote_max_size": "1000000", "base_min_size": "0.00001", "base_max_size": "3400"},
        **{"trading_disabled": False, "status": "online", "product_type": "SPOT", "base_currency_id": "BTC"},
        **{"quote_currency_id": "USDT", "price_increment": "0.01", "alias_to": []},
    }
    return _json({"products": [] if query.get("product_type") == "FUTURE" else [product], "num_products": 1})


def _ticker(market: Market, query: Query) -> Answer:
    truth, limit = market.truth, min(int(query.get("limit", 100)), 1_000, market.largest_page)
    bounds = [int(query["start"]) * NS_PER_SECOND, int(query["end"]) * NS_PER_SECOND]
    first, last = int(np.searchsorted(truth.ns, bounds[0])), int(np.searchsorted(truth.ns, bounds[1], side="right"))
    span = slice(max(first, last - limit), last)
    trades = [
        f'{{"trade_id":"{i}","product_id":"BTC-USDT","price":"{_text(p, 2)}","size":"{_text(q, 8)}",'
        f'"time":"{_iso(t)}","side":"{"BUY" if b else "SELL"}","bid":"","ask":""}}'
        for i, t, p, q, b in _rows(truth, span)
    ]
    return _json_text('{{"trades":[{}],"best_bid":"1","best_ask":"2"}}'.format(",".join(trades[::-1])))


def _advanced_candles(market: Market, query: Query) -> Answer:
    step = _ADVANCED_STEPS[query["granularity"]]
    first, last = (int(query[name]) * NS_PER_SECOND for name in ("start", "end"))
    bars = [b for b in market.truth.bars("coinbase", step, market.now_ns, flat=False) if first <= b["ns"] <= last]
    if (last - first) // step >= 350:
        return _json({"error": "INVALID_ARGUMENT", "error_details": "number of candles requested"}, 400)
    names = ("low", "high", "open", "close")
    rows = [
        {"start": str(b["ns"] // NS_PER_SECOND), **{n: _text(b[n], 2) for n in names}, "volume": _text(b["volume"], 8)}
        for b in bars
    ]
    return _json({"candles": rows[::-1]})


_HANDLERS: dict[str, Callable[[Market, Query], Answer]] = {
    "/api/v3/exchangeInfo": _exchange_info,
    "/api/v3/aggTrades": _agg_trades,
    "/api/v3/klines": _klines,
    "/0/public/Assets": _assets,
    "/0/public/AssetPairs": _pairs,
    "/0/public/Trades": _kraken_trades,
    "/0/public/OHLC": _ohlc,
    "/brokerage/market/products/BTC-USDT/ticker": _ticker,
    "/brokerage/market/products/BTC-USDT/candles": _advanced_candles,
    "/brokerage/market/products": _advanced_products,
    "/products/BTC-USDT/trades": _product_trades,
    "/products/BTC-USDT/candles": _product_candles,
    "/products": _products,
}


def _rows(truth: Truth, span: slice) -> Sequence[tuple[int, int, int, int, bool]]:
    columns = (truth.id, truth.ns, truth.price, truth.size, truth.buy)
    return list(zip(*(column[span].tolist() for column in columns), strict=True))


def _text(units: int, digits: int) -> str:
    return f"{units // 10**digits}.{units % 10**digits:0{digits}d}"


def _iso(ns: int) -> str:
    second = dt.datetime.fromtimestamp(ns // NS_PER_SECOND, dt.UTC)
    return f"{second:%Y-%m-%dT%H:%M:%S}.{ns % NS_PER_SECOND // 1_000:06d}Z"


def _json(content: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(content).encode(), {"Content-Type": "application/json"})


def _json_text(text: str) -> Answer:
    return Answer(200, text.encode(), {"Content-Type": "application/json"})
