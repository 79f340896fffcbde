"""What a loopback Databento knows of symbols: mappings by day, resolved as its API resolves them. No server here."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

Interval = tuple[dt.date, dt.date, str]
"""From when to when, exclusive, a symbol stood for another."""
COMBINATIONS = (
    ("raw_symbol", "instrument_id"),
    ("instrument_id", "raw_symbol"),
    ("continuous", "instrument_id"),
    ("parent", "instrument_id"),
)
"""The pairs that the vendor supports (databento.com/docs, "Supported symbology combinations")."""


def _nothing() -> dict[str, list[Interval]]:
    return defaultdict(list)


@dataclass
class Symbology:
    """Fill it with `lists` and `rolls`."""

    raw: dict[str, list[Interval]] = field(default_factory=_nothing)
    ids: dict[str, list[Interval]] = field(default_factory=_nothing)
    continuous: dict[str, list[Interval]] = field(default_factory=_nothing)
    children: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def lists(self, raw_symbol: str, number: int, first: dt.date, until: dt.date, parent: str = "") -> None:
        """An instrument trades under that symbol and id; both may be another's before and after."""
        self.raw[raw_symbol].append((first, until, str(number)))
        self.ids[str(number)].append((first, until, raw_symbol))
        if parent:
            self.children[parent].add(raw_symbol)

    def rolls(self, continuous: str, number: int, first: dt.date, until: dt.date) -> None:
        """A continuous symbol stands for that instrument."""
        self.continuous[continuous].append((first, until, str(number)))

    def resolved(self, form: dict[str, str]) -> dict[str, Any] | None:
        """The API's answer; None for a pair that it does not support."""
        if (form["stype_in"], form["stype_out"]) not in COMBINATIONS:
            return None
        symbols = form["symbols"].split(",")
        start = dt.date.fromisoformat(form["start_date"])
        end = dt.date.fromisoformat(form["end_date"]) if form.get("end_date") else start + dt.timedelta(days=1)
        found = {symbol: self._mappings(symbol, form["stype_in"], start, end) for symbol in symbols}
        absent = [symbol for symbol in symbols if not found[symbol]]
        partial = [symbol for symbol in symbols if found[symbol] and not _covers(found[symbol], start, end)]
        return {
            "result": {key: [_told(each) for each in given] for one in found.values() for key, given in one.items()},
            "symbols": symbols,
            "stype_in": form["stype_in"],
            "stype_out": form["stype_out"],
            "start_date": start.isoformat(),
            "end_date": end.isoformat(),
            "partial": partial,
            "not_found": absent,
            "message": "Not found" if absent else "Partially resolved" if partial else "OK",
            "status": 2 if absent else 1 if partial else 0,
        }

    def _mappings(self, symbol: str, stype_in: str, start: dt.date, end: dt.date) -> dict[str, list[Interval]]:
        """A parent's children come under their own symbols, as in a file's metadata."""
        asked = sorted(self.children[symbol]) if stype_in == "parent" else [symbol]
        known = {"instrument_id": self.ids, "continuous": self.continuous}.get(stype_in, self.raw)
        cut = {
            key: [(max(a, start), min(b, end), s) for a, b, s in known[key] if a < end and b > start] for key in asked
        }
        return {key: given for key, given in cut.items() if given}


def _covers(found: dict[str, list[Interval]], start: dt.date, end: dt.date) -> bool:
    return all(
        min(each[0] for each in given) <= start and max(each[1] for each in given) >= end for given in found.values()
    )


def _told(interval: Interval) -> dict[str, str]:
    return {"d0": interval[0].isoformat(), "d1": interval[1].isoformat(), "s": interval[2]}
