"""Files as Tardis publishes them, written below a folder: gzipped CSV in the archive's layout. No server here."""

import datetime as dt
import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from market_data.domain.time import day_start


def _book(depth: int) -> str:
    levels = [f"{side}[{n}].{what}" for n in range(depth) for side in ("asks", "bids") for what in ("price", "amount")]
    return f"exchange,symbol,timestamp,local_timestamp,{','.join(levels)}"


HEADERS = {
    "trades": "exchange,symbol,timestamp,local_timestamp,id,side,price,amount",
    "liquidations": "exchange,symbol,timestamp,local_timestamp,id,side,price,amount",
    "quotes": "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount",
    "incremental_book_L2": "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount",
    "derivative_ticker": "exchange,symbol,timestamp,local_timestamp,funding_timestamp,funding_rate,"
    "predicted_funding_rate,open_interest,last_price,index_price,mark_price",
    "options_chain": "exchange,symbol,timestamp,local_timestamp,type,strike_price,expiration,open_interest,last_price,"
    "bid_price,bid_amount,bid_iv,ask_price,ask_amount,ask_iv,mark_price,mark_iv,underlying_index,underlying_price,"
    "delta,gamma,vega,theta,rho",
    **{f"book_snapshot_{depth}": _book(depth) for depth in (5, 25)},
}


def path_of(exchange: str, data_type: str, day: dt.date, symbol: str) -> str:
    """Where the archive has a file."""
    return f"v1/{exchange}/{data_type}/{day:%Y/%m/%d}/{symbol}.csv.gz"


def csv(data_type: str, lines: Iterable[str]) -> bytes:
    """The CSV of these lines, with the header of the data type."""
    return "".join(f"{line}\n" for line in (HEADERS[data_type], *lines)).encode()


def write(root: Path, exchange: str, data_type: str, day: dt.date, symbol: str, lines: Iterable[str]) -> Path:
    """A file of these lines in the archive."""
    return write_bytes(root / path_of(exchange, data_type, day, symbol), gzip.compress(csv(data_type, lines), mtime=0))


def write_bytes(path: Path, content: bytes) -> Path:
    """Any bytes under a file's name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def trade_lines(day: dt.date, count: int, exchange: str = "bitmex", symbol: str = "XBTUSD") -> list[str]:
    """Trades of a day, several in one message, each a little after its event; the exchange's ids are random."""
    start, step = day_start(day) // 1_000, 86_400_000_000 // count
    return [
        f"{exchange},{symbol},{start + n // 3 * 3 * step + 1},{start + n // 3 * 3 * step + 120_000},"
        f"{(n * 2_654_435_761) % 2**32:08x},{('buy', 'sell', 'unknown')[n % 3]},{8_500 + n % 7}.5,{1 + n % 5}"
        for n in range(count)
    ]


def write_api(root: Path, name: str, answer: Any) -> Path:
    """What the API answers at `/v1/<name>`."""
    return write_bytes(root / "api" / f"{name}.json", json.dumps(answer).encode())


def instrument(**changes: Any) -> dict[str, Any]:
    """An instrument as the API tells of it, with changes of its steps."""
    return {
        "id": "XBTUSD",
        "datasetId": "XBTUSD",
        "exchange": "bitmex",
        "baseCurrency": "BTC",
        "quoteCurrency": "USD",
        "type": "perpetual",
        "active": True,
        "availableSince": "2019-03-30T00:00:00.000Z",
        "priceIncrement": 0.1,
        "amountIncrement": 100,
        "minTradeAmount": 100,
        "makerFee": 0.0005,
        "contractType": "inverse_perpetual",
        "contractMultiplier": 1,
        "changes": [
            {"until": "2021-06-08T04:30:00.000Z", "amountIncrement": 1, "minTradeAmount": 1},
            {"until": "2024-07-31T04:00:00.000Z", "priceIncrement": 0.5},
        ],
        **changes,
    }


def exchange(symbols: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """An exchange's details, with its list of symbols among the rest."""
    return {"id": "deribit", "availableChannels": ["trades"], "availableSymbols": symbols, "datasets": {"symbols": []}}
