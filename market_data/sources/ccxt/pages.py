"""What a page is, and what a way of walking an exchange's pages has to offer. Pure; no exchange stands here."""

import datetime as dt
import json
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from operator import lt
from typing import Any, Protocol

from market_data.domain.time import NS_PER_SECOND

Params = dict[str, str | int]
Market = Mapping[str, Any]
NS_PER_MS = NS_PER_SECOND // 1_000
_ISO_LENGTH = len("2023-09-10T13:47:41")
_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Attributes:
        method: CCXT's name of it.
        params: what it is given.
        known: the id of a trade that was seen before and must come once more: pages overlap by it, so that an empty
            answer, or one of another place, is not taken for the end or for a hole. The exchange is not told.
    """

    method: str
    params: Params
    known: int | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.method}({', '.join(f'{name}={value}' for name, value in self.params.items())})"


@dataclass(frozen=True, slots=True)
class Page:
    """An answer that was looked at.

    Attributes:
        records: as the exchange sent them; numbers with a point are the text that was sent.
        ids: of trades, one a record.
        times: ns since the epoch, one a record: of the trade, or of the candle's open.
        cursor: the exchange's own, where it gives one beside the records.
    """

    records: Sequence[Any]
    ids: Sequence[Any]
    times: Sequence[int]
    cursor: int = 0


Walk = Generator[Call, Page, None]
"""Yields requests and is sent their pages; its end says that the day is complete. It knows nothing else, so that
stored pages walk it again to the same place."""


class Unfit(ValueError):
    """An answer is none to what was asked: HTML, another page than the one asked for, records of another form."""


class Way(Protocol):
    """How one exchange's pages are walked and read, for one of its markets.

    Attributes:
        newest_first: whether a page's records come newest first.
        pages_newest_first: whether the pages of trades do.
        trade: the table's columns, by the name or place of the field in a record.
        sides: the aggressor's side by what the record says.
        bar: the same for candles.
    """

    newest_first: bool
    pages_newest_first: bool
    trade: Mapping[str, str | int]
    sides: Mapping[Any, str]
    bar: Mapping[str, str | int]

    def start(self, ask: Callable[[Call], Page], day: dt.date) -> int | None:
        """Return where the walk through a day's trades begins, found by asking; None where that needs no asking."""
        ...

    def started(self, call: Call) -> int | None:
        """Return the same from the first request of a walk that began before."""
        ...

    def trades(self, day: dt.date, start: int | None) -> Walk:
        """Return all trades of the day, and at its edges some of its neighbours'.

        Raises (when walked):
            NotAvailable: the exchange gives no pages that prove that nothing is missing.
        """
        ...

    def candles(self, timeframe: str, day: dt.date) -> Walk:
        """Return all candles that open on the day.

        Raises (when walked):
            NotAvailable: the exchange does not have the timeframe, or no longer for that day.
        """
        ...

    def read(self, call: Call, text: str) -> Page:
        """Return an answer, looked at as closely as walking on needs.

        Raises:
            Unfit: it is none to this request.
        """
        ...


def parsed(text: str) -> Any:
    """JSON, with numbers that have a point or an exponent left as their text: they never become floats.

    Raises:
        Unfit: it is none.
    """
    try:
        return json.loads(text, parse_float=str, parse_constant=_no_number)
    except ValueError:
        raise Unfit(f"no JSON: {text[:100]!r}") from None
    except RecursionError:
        raise Unfit(f"no JSON of this world: {text[:100]!r}") from None


def _no_number(text: str) -> object:
    raise ValueError(text)


def listed(content: object, what: str) -> list[Any]:
    """Return a list.

    Raises:
        Unfit: it is none.
    """
    if not isinstance(content, list):
        raise Unfit(f"{what} is no list: {str(content)[:100]}")
    return content  # pyright: ignore[reportUnknownVariableType]


def must_begin(call: Call, ids: Sequence[int]) -> None:
    """Nothing, where a page begins with the trade that is known, or none is.

    Raises:
        Unfit: it does not.
    """
    if call.known is not None and (not ids or ids[0] != call.known):
        raise Unfit(f"begins with id {ids[0] if ids else 'nothing'}, and not with {call.known}, which was seen before")


def must_ascend(values: Sequence[int], what: str) -> None:
    """Nothing, where each is greater than the one before.

    Raises:
        Unfit: one is not.
    """
    if not all(map(lt, values, islice(values, 1, None))):
        raise Unfit(f"{what} are not in order")


def whole(value: object) -> int:
    """Return an id or a time as a number.

    Raises:
        Unfit: it is no whole number of at most 19 digits.
    """
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and int(value[:20]) < 2**63 and len(value) < 20:  # noqa: PLR2004
        return int(value)
    raise Unfit(f"{str(value)[:50]!r} is no whole number")


def wholes(values: list[Any]) -> list[int]:
    """Return each as `whole`; a page has thousands of them, and they are plain numbers as a rule."""
    if not values or (set(map(type, values)) == {int} and min(values) >= 0 and max(values) < 2**63):
        return values
    return [whole(value) for value in values]


def ns_of_seconds(value: object) -> int:
    """Return a number of seconds, perhaps with a fraction, as ns; what is finer than a ns is cut off.

    Raises:
        Unfit: it is none.
    """
    if isinstance(value, int):
        return whole(value) * NS_PER_SECOND
    before, _, after = str(value).partition(".")
    if before.isascii() and before.isdigit() and after.isascii() and after.isdigit():
        return whole(before) * NS_PER_SECOND + int(after[:_DIGITS].ljust(_DIGITS, "0"))
    try:
        return int(Decimal(str(value)) * NS_PER_SECOND)
    except (ArithmeticError, ValueError, OverflowError):
        raise Unfit(f"{str(value)[:50]!r} is no time") from None


class IsoTimes:
    """`2023-09-10T13:47:41.447577Z` as ns, exactly; what was looked up for a second is kept for the next one."""

    def __init__(self) -> None:
        self._second, self._ns = "", 0

    def ns(self, value: object) -> int:
        """Return ns since the epoch.

        Raises:
            Unfit: it is no time in UTC of this form.
        """
        if not isinstance(value, str) or not value.endswith("Z"):
            raise Unfit(f"{str(value)[:50]!r} is no time in UTC")
        second, fraction = value[:_ISO_LENGTH], value[_ISO_LENGTH:-1]
        if second != self._second:
            try:
                moment = dt.datetime.strptime(second, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=dt.UTC)
            except ValueError:
                raise Unfit(f"{value[:50]!r} is no time") from None
            self._second, self._ns = second, int(moment.timestamp()) * NS_PER_SECOND
        if not fraction:
            return self._ns
        digits = fraction[1:]
        if fraction[0] != "." or not (digits.isascii() and digits.isdigit()):
            raise Unfit(f"{value[:50]!r} is no time")
        return self._ns + int(digits[:_DIGITS].ljust(_DIGITS, "0"))
