"""Instruments as Tardis' API tells of them, put back to what held on a day. Downloads stand in `session`."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from market_data.domain.errors import NotAvailable
from market_data.domain.numbers import PRICE, SIZE
from market_data.domain.ports.source import Batch, LandedFile, Request
from market_data.sources.tardis.archive import GROUPED, spelled
from market_data.vendor_files.bulk.json_records import ByteReader, elements, items
from market_data.vendor_files.bulk.unpack import Packed
from market_data.vendor_files.columns import Column, typed
from market_data.vendor_files.times import nanoseconds, time_column, time_faults, with_more

_MAX_BYTES = 4 << 30
_ROWS = 50_000
_KINDS = {"spot": "spot", "future": "future", "perpetual": "perpetual", "option": "option", "combo": "spread"}
_LISTED = ("id", "type", "availableSince", "availableTo")
_TEXT = pl.String()
_COLUMNS: Mapping[str, tuple[str, Column]] = {
    "id": ("instrument_id", Column("id", _TEXT)),
    "type": ("kind", Column("type", _TEXT)),
    "baseCurrency": ("base", Column("baseCurrency", _TEXT, required=False)),
    "quoteCurrency": ("quote", Column("quoteCurrency", _TEXT, required=False)),
    "priceIncrement": ("tick_size", Column("priceIncrement", PRICE, required=False)),
    "amountIncrement": ("lot_size", Column("amountIncrement", SIZE, required=False)),
    "contractMultiplier": ("contract_size", Column("contractMultiplier", SIZE, required=False)),
    "expiry": ("expiry", time_column("expiry", "iso8601", required=False)),
    "settlementCurrency": ("settlement", Column("settlementCurrency", _TEXT, required=False)),
    "contractType": ("contract_type", Column("contractType", _TEXT, required=False)),
    "minTradeAmount": ("min_trade_size", Column("minTradeAmount", SIZE, required=False)),
    "optionType": ("option_type", Column("optionType", _TEXT, required=False)),
    "strikePrice": ("strike", Column("strikePrice", PRICE, required=False)),
    "availableSince": ("available_since", time_column("availableSince", "iso8601", required=False)),
    "availableTo": ("available_to", time_column("availableTo", "iso8601", required=False)),
}
"""Tardis' names, ours, and how each is read."""
_TIMES = ("expiry", "availableSince", "availableTo")


def must_be_json(path: Path) -> None:
    """Nothing, for an answer that is whole.

    Raises:
        BadFile: it is not.
    """
    for _ in _told(path, "item"):
        pass


def extract(whole: Path, path: Path, request: Request, exchange: str) -> None:
    """Of an exchange's long list, the symbol's entries as a file of their own.

    Raises:
        NotAvailable: the list has none.
    """
    mine = [
        {name: entry[name] for name in _LISTED if entry.get(name) is not None}
        for entry in _told(whole, "availableSymbols.item")
        if _is_asked_for(entry, request)
    ]
    if not mine:
        raise NotAvailable(f"{request}: Tardis' list of {exchange} has no {request.vendor_symbol}")
    path.write_text(json.dumps(mine, indent=0) + "\n", encoding="utf-8")


def batches(file: LandedFile, request: Request, max_bytes: int) -> Iterator[Batch]:
    """Yield one row an instrument, with the steps that held on the request's day.

    Raises:
        BadFile: the file is no answer of the API. The text goes on from the file's name.
    """
    day = request.partition.date
    told = (entry for entry in _told(file.path, "item", max_bytes) if _is_asked_for(entry, request))
    first = 0
    while entries := list(islice(told, _ROWS)):
        yield _batch(file.name, first, entries, day)
        first += len(entries)


def as_of(entry: Mapping[str, Any], day: dt.date) -> dict[str, Any]:
    """Return what held at the day's beginning: a change tells which values an instrument had until an instant."""
    changes: list[Mapping[str, Any]] = [change for change in entry.get("changes") or [] if _text(change, "until")]
    changes.sort(key=lambda change: _text(change, "until"))
    values = dict(entry)
    for change in reversed([each for each in changes if _text(each, "until") > day.isoformat()]):
        values |= {name: value for name, value in change.items() if name != "until"}
    return values


def _told(path: Path, where: str, max_bytes: int = _MAX_BYTES) -> Iterator[dict[str, Any]]:
    """Yield the objects of an answer: the one that it is, or those of its array."""
    reader = ByteReader(Packed(path, max_bytes).chunks(), most_bytes=max_bytes)
    if reader.head() == b"{":
        yield from items(reader, "" if where == "item" else where)
        return
    for block in elements(reader):
        yield from (entry for entry in block if isinstance(entry, dict))


def _is_asked_for(entry: Mapping[str, Any], request: Request) -> bool:
    group = GROUPED.get(spelled(request.vendor_symbol))
    if group is None:
        return spelled(_text(entry, "id")) == spelled(request.vendor_symbol)
    day, until = request.partition.date.isoformat(), _text(entry, "availableTo")
    return (
        entry.get("type") == group and _text(entry, "availableSince")[:10] <= day and (not until or until[:10] >= day)
    )


def _text(entry: Mapping[str, Any], name: str) -> str:
    return str(entry.get(name) or "")


def _batch(landed_file: str, first: int, entries: Sequence[Mapping[str, Any]], day: dt.date) -> Batch:
    values = [as_of(entry, day) for entry in entries]
    raw = pl.DataFrame(
        {name: [None if each.get(name) is None else str(each[name]) for each in values] for name in _COLUMNS},
        schema=dict.fromkeys(_COLUMNS, pl.String),
    )
    faults: dict[int, Any] = {}
    read = typed(raw, [column for _, column in _COLUMNS.values()], faults)
    timed = read.with_columns(nanoseconds(name, "iso8601", pl.String()).alias(f"{name} ns") for name in _TIMES)
    more = [fault for name in _TIMES for fault in time_faults(timed, name, f"{name} ns", "iso8601")]
    frame = timed.select(raw_symbol="id", **{ours: _ours(name) for name, (ours, _) in _COLUMNS.items()})
    return Batch(landed_file, first, frame, lambda row: entries[row], with_more(list(faults.values()), more))


def _ours(name: str) -> pl.Expr:
    if name == "type":
        return pl.col(name).replace(_KINDS)
    return pl.col(f"{name} ns" if name in _TIMES else name)
