"""Defects to put into a day's records on request: deterministic, few, and spread over the day.

| name                 | a day   | what the vendor does                             | what becomes of it         |
| -------------------- | ------- | ------------------------------------------------ | -------------------------- |
| `repeated_page`      | 1 of 25 | sends a page of trades twice, word for word      | 25 deduplicated            |
| `conflicting_repeat` | 3       | sends a trade again, same id, but 1 % dearer     | quarantine (identity)      |
| `unreadable`         | 4       | writes a price as `n/a`, or cuts the line in it  | quarantine (fault)         |
| `impossible`         | 4       | negates a trade's price, or its size             | quarantine (contract)      |
| `wrong_day`          | 2       | stamps a trade with the next day                 | quarantine (contract)      |
| `crossed_quotes`     | 5       | swaps bid and ask                                | they stay                  |
| `outlier`            | 2       | writes a trade's price 10 % too high             | they stay; candles differ  |
| `wrong_candle`       | 4       | publishes a high below the close, or twice the   | they stay; candles differ  |
|                      |         | volume, by turns                                 |                            |
| `id_gap`             | 1 of 5  | leaves out five trades in a row, but counts them | 5 fewer than the count     |
| `late_clock`         | 5       | has a trade received 1 ms before it happened     | they stay                  |

The vendor's candles are made of the clean trades (and spoiled by `wrong_candle` alone), so that they differ from
candles made of damaged ones: in the trade's own minute, and in the empty ones after it where the close is wrong. The
vendor's count is of the records that it sends, repeats and damaged ones included, and of those that `id_gap` leaves
out. The first records of a day are never damaged. A table of fewer than 200 records has fewer defects of each kind,
one of fewer than 40 has none.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from market_data.domain.time import NS_PER_DAY
from market_data.sources.simulated.market import Draw

Row = list[str]
"""A record as text, in the order of its file's columns."""

# Consecutive records, in which each kind of defect has a place of its own; the first four are nobody's, so that a
# day keeps its first price.
_STRETCH = 40
_CANDLES = 4


@dataclass(frozen=True, slots=True)
class _Damage:
    """Replaces `width` records by others, `count` times a day, at `place` of as many stretches.

    `apply` gets the records and how many of its kind came before.
    """

    count: int
    place: int
    apply: Callable[[Sequence[Row], int], list[Row]]
    width: int = 1


@dataclass(frozen=True, slots=True)
class Damaged:
    """Records as sent, and how many the vendor says there are."""

    rows: list[Row]
    stated: int


def damage(table: str, rows: Sequence[Row], defects: Sequence[str], draw: Callable[[str], Draw]) -> Damaged:
    """Return a table's clean records with the defects that concern it; `draw` gives each defect its own numbers."""
    damaged, stated = list(rows), len(rows)
    chosen = [(name, of) for name, of in _DAMAGES.get(table, {}).items() if name in defects]
    edits = [
        (at, of.width, of.apply(rows[at : at + of.width], nth))
        for name, of in chosen
        for nth, at in enumerate(_places(of, len(rows), draw(name)))
    ]
    for at, width, replacement in sorted(edits, reverse=True):  # from the back: places before it stay as they are
        damaged[at : at + width] = replacement
        stated += max(0, len(replacement) - width)
    if table == "vendor_candles" and "wrong_candle" in defects:
        _spoil_candles(damaged, draw("wrong_candle"))
    return Damaged(damaged, stated)


def _places(of: _Damage, records: int, draw: Draw) -> Iterator[int]:
    """Yield where a damage strikes: once in each of `count` equal shares of the day."""
    stretches = records // _STRETCH
    shares = min(of.count, stretches)
    for nth in range(shares):
        low, high = nth * stretches // shares, (nth + 1) * stretches // shares
        yield (low + int(draw() * (high - low))) * _STRETCH + of.place


def _unreadable(rows: Sequence[Row], nth: int) -> list[Row]:
    [(trade_id, ts_event, ts_recv, price, size, side)] = rows
    if nth % 2:
        return [[trade_id, ts_event, ts_recv, price[:2]]]
    return [[trade_id, ts_event, ts_recv, "n/a", size, side]]


def _impossible(rows: Sequence[Row], nth: int) -> list[Row]:
    [(trade_id, ts_event, ts_recv, price, size, side)] = rows
    if nth % 2:
        return [[trade_id, ts_event, ts_recv, price, f"-{size}", side]]
    return [[trade_id, ts_event, ts_recv, f"-{price}", size, side]]


def _wrong_day(rows: Sequence[Row], _: int) -> list[Row]:
    [(trade_id, ts_event, ts_recv, *rest)] = rows
    return [[trade_id, str(int(ts_event) + NS_PER_DAY), str(int(ts_recv) + NS_PER_DAY), *rest]]


def _outlier(rows: Sequence[Row], _: int) -> list[Row]:
    return [_dearer(rows[0], "1.1")]


def _conflicting_repeat(rows: Sequence[Row], _: int) -> list[Row]:
    return [rows[0], _dearer(rows[0], "1.01")]


def _late_clock(rows: Sequence[Row], _: int) -> list[Row]:
    [(trade_id, ts_event, _ts_recv, *rest)] = rows
    return [[trade_id, ts_event, str(int(ts_event) - 1_000_000), *rest]]


def _id_gap(_: Sequence[Row], __: int) -> list[Row]:
    return []


def _repeated_page(rows: Sequence[Row], _: int) -> list[Row]:
    return [*rows, *rows]


def _crossed_quotes(rows: Sequence[Row], _: int) -> list[Row]:
    [(ts_event, ts_recv, bid_price, bid_size, ask_price, ask_size)] = rows
    return [[ts_event, ts_recv, ask_price, bid_size, bid_price, ask_size]]


def _dearer(row: Row, factor: str) -> Row:
    trade_id, ts_event, ts_recv, price, size, side = row
    dearer = (Decimal(price) * Decimal(factor)).quantize(Decimal(price))
    return [trade_id, ts_event, ts_recv, f"{dearer:f}", size, side]


def _spoil_candles(rows: list[Row], draw: Draw) -> None:
    """By turns twice the volume, and the low for a high, where that is below the close."""
    risen = [at for at, (_, _, _, _, low, close, *_) in enumerate(rows) if Decimal(low) < Decimal(close)]
    count = min(_CANDLES, len(risen))
    for nth in range(count):
        at = risen[int((nth + draw()) * len(risen) / count)]
        timeframe, ts_open, open_, high, low, close, volume, *rest = rows[at]
        high, volume = (high, f"{2 * Decimal(volume):f}") if nth % 2 else (low, volume)
        rows[at] = [timeframe, ts_open, open_, high, low, close, volume, *rest]


_DAMAGES: dict[str, dict[str, _Damage]] = {
    "trades": {
        "unreadable": _Damage(4, 4, _unreadable),
        "impossible": _Damage(4, 5, _impossible),
        "wrong_day": _Damage(2, 6, _wrong_day),
        "outlier": _Damage(2, 7, _outlier),
        "late_clock": _Damage(5, 8, _late_clock),
        "conflicting_repeat": _Damage(3, 9, _conflicting_repeat),
        "id_gap": _Damage(1, 10, _id_gap, width=5),
        "repeated_page": _Damage(1, 15, _repeated_page, width=25),
    },
    "quotes": {"crossed_quotes": _Damage(5, 4, _crossed_quotes)},
}
