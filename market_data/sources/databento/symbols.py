"""Which raw symbol an instrument id stood for on a day, from a file's own metadata. Ids are reused: the day matters."""

import datetime as dt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from databento_dbn import Metadata


def raw_symbols(metadata: "Metadata", day: dt.date) -> dict[int, str]:
    """Return instrument id to raw symbol, of the mappings valid on that UTC day; an interval's end is not part of it.

    Empty where the file knows no raw symbols: it was asked for by continuous symbols or by ids, and maps only those.
    """
    found: dict[int, str] = {}
    for asked, intervals in metadata.mappings.items():
        for interval in intervals:
            if not interval["symbol"] or not interval["start_date"] <= day < interval["end_date"]:
                continue
            if _types(metadata) == ("instrument_id", "raw_symbol"):
                found[int(asked)] = interval["symbol"]
            elif _is_raw(asked, metadata):
                found[int(interval["symbol"])] = asked
    return found


def _is_raw(asked: str, metadata: "Metadata") -> bool:
    """Return a file asked for by parent (`ES.FUT`) maps the children, by their raw symbols."""
    types = _types(metadata)
    return types == ("raw_symbol", "instrument_id") or (
        types == ("parent", "instrument_id") and asked not in metadata.symbols
    )


def _types(metadata: "Metadata") -> tuple[str, str]:
    return str(metadata.stype_in), str(metadata.stype_out)
