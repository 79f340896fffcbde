"""Files as Binance's archive publishes them, written below a folder: zips with their CHECKSUM. No server here."""

import datetime as dt
import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from market_data.domain.time import day_start

FOLDERS = {"spot": "data/spot/daily", "futures_um": "data/futures/um/daily"}
TRADES_HEADER = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"
KLINES_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)


def trades_path(symbol: str, day: dt.date, market: str = "spot") -> str:
    """Where the archive has a day's aggregate trades."""
    return f"{FOLDERS[market]}/aggTrades/{symbol}/{symbol}-aggTrades-{day}.zip"


def klines_path(symbol: str, day: dt.date, interval: str, market: str = "spot") -> str:
    """Where the archive has a day's klines."""
    return f"{FOLDERS[market]}/klines/{symbol}/{interval}/{symbol}-{interval}-{day}.zip"


def write(path: Path, lines: Iterable[str], header: str | None = None) -> Path:
    """A zip of one CSV of these lines, with its CHECKSUM, as the archive would have it."""
    text = "".join(f"{line}\n" for line in ([header] if header else []) + list(lines))
    return write_bytes(path, zip_of({path.name.replace(".zip", ".csv"): text.encode()}))


def write_bytes(path: Path, content: bytes) -> Path:
    """Any bytes under an archive's file name, with the right CHECKSUM beside them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    checksum = f"{hashlib.sha256(content).hexdigest()}  {path.name}\n"
    path.with_name(path.name + ".CHECKSUM").write_text(checksum)
    return path


def zip_of(members: Mapping[str, bytes]) -> bytes:
    """A zip of these members; names are written as they are, however evil."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def trade_lines(day: dt.date, count: int, market: str = "spot", unit: str = "ms", first_id: int = 1000) -> list[str]:
    """Trades of a day, evenly spread; each stands for two exchange trades."""
    step_ms = 86_400_000 // count
    start = day_start(day) // 1_000_000
    scale = {"ms": 1, "us": 1_000}[unit]
    tail = (("True,True", "False,True") if market == "spot" else ("true", "false"))[:2]
    return [
        f"{first_id + n},{100 + n % 7}.5{n % 10},{1 + n % 3}.25000000,{2 * n},{2 * n + 1},"
        f"{(start + n * step_ms) * scale},{tail[n % 2]}"
        for n in range(count)
    ]


def kline_lines(day: dt.date, seconds: int, unit: str = "ms") -> list[str]:
    """A day's klines of so many seconds each."""
    scale = {"ms": 1, "us": 1_000}[unit]
    start = day_start(day) // 1_000_000
    lines: list[str] = []
    for n in range(86_400 // seconds):
        opened = start + n * seconds * 1_000
        times = opened * scale, (opened + seconds * 1_000) * scale - 1
        lines.append(f"{times[0]},1.5,2.5,1.25,2.0,10.00000000,{times[1]},20.5,7,4.5,9.25,0")
    return lines


def fields(lines: Sequence[str]) -> list[list[str]]:
    """The lines' fields, for comparing."""
    return [line.split(",") for line in lines]
