"""What a finding's detail says: in words, and as instants and ranges of time to be marked. Knows no check by name."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from market_data.domain.report._html import number
from market_data.domain.time import parse_instant, to_ns

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_PLACES = ("ts_event", "ts_open", "at", "ts_recv")
"""Keys of rows that tell when they were, the best first."""
_SAID_ELSEWHERE = frozenset({"unit", "mismatch", "note", "first", "first_rows", "examples"})
_LONGEST = 320
_MOST_ITEMS = 6


class Mark(NamedTuple):
    """An interval [start, end] in ns since the epoch, UTC; an instant where both are the same."""

    start: int
    end: int


def marks(detail: Any) -> Iterator[Mark]:
    """Yield every instant and range of time that a detail names."""
    if isinstance(detail, Mapping):
        if (found := _mark(detail)) is not None:
            yield found
            return
        for value in detail.values():
            yield from marks(value)
    elif isinstance(detail, Sequence) and not isinstance(detail, str):
        for value in detail:
            yield from marks(value)


def _mark(row: Mapping[Any, Any]) -> Mark | None:
    start, end = _ns(row.get("from")), _ns(row.get("to"))
    if start is not None and end is not None:
        return Mark(min(start, end), max(start, end))
    at = next((found for name in _PLACES if (found := _ns(row.get(name))) is not None), None)
    return None if at is None else Mark(at, at)


def _ns(value: object) -> int | None:
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        return None
    try:
        return to_ns(parse_instant(value[:26].rstrip("Z") + "Z"))
    except ValueError:
        return None


def in_words(detail: Mapping[str, Any]) -> str:
    """Return a finding's detail for people: what it says itself, then its figures that are not zero."""
    said = [str(detail[name]) for name in ("mismatch", "note") if detail.get(name)]
    leading = {"timeframe": detail.get("timeframe")}
    rest = {name: value for name, value in detail.items() if name not in _SAID_ELSEWHERE}
    figures = ", ".join(_pairs({**leading, **rest}))
    return _cut("; ".join(part for part in (*said, figures) if part), _LONGEST)


def example(detail: Mapping[str, Any]) -> str:
    """Return the first of the rows that a detail shows, its time first; nothing where it shows none."""
    first = detail.get("first")
    row = first[0] if isinstance(first, list) and first else None
    if not isinstance(row, Mapping):
        return "" if row is None else _cut(_value(row), _LONGEST)
    at = [_value(row[name]) for name in _PLACES if row.get(name)]
    return _cut(", ".join((*at, *_pairs({name: row[name] for name in row if name not in _PLACES}))), _LONGEST)


def _pairs(detail: Mapping[str, Any]) -> Iterator[str]:
    for name, value in detail.items():
        if value is None or value == 0 or value in ([], {}, ""):
            continue
        if name == "share" and isinstance(value, int | float):
            yield f"share {value * 100:.4g}%"
        else:
            yield f"{name.replace('_', ' ')} {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, Mapping):
        return f"({', '.join(_pairs(value))})"
    if isinstance(value, list):
        shown = ", ".join(_value(each) for each in value[:_MOST_ITEMS])
        return shown if len(value) <= _MOST_ITEMS else f"{shown} and {len(value) - _MOST_ITEMS} more"
    text = str(value)
    return text[:19].replace("T", " ") + (text[19:-1].rstrip("0").rstrip(".")) if _INSTANT.fullmatch(text) else text


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 2].rstrip()} \N{HORIZONTAL ELLIPSIS}"
