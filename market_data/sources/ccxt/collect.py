"""A walk over an exchange's pages, stored ones first: what came is kept, whatever happens, and walked again later."""

import datetime as dt
import logging
from dataclasses import dataclass

from market_data.domain.errors import BadFile, MarketDataError, NotAvailable, VendorUnavailable
from market_data.domain.time import day_bounds
from market_data.sources.ccxt import lines
from market_data.sources.ccxt.book import Book
from market_data.sources.ccxt.facts import Tally
from market_data.sources.ccxt.pages import Call, Page, Unfit, Walk, Way
from market_data.sources.ccxt.session import Session

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """What is walked: a day's trades, or its candles of one timeframe."""

    day: dt.date
    timeframe: str | None = None

    def walk(self, way: Way, start: int | None) -> Walk:
        """Return the walk through them."""
        return way.trades(self.day, start) if self.timeframe is None else way.candles(self.timeframe, self.day)


class Steps:
    """A walk with its tally: `call` is what it asks for next, None when the day is complete."""

    def __init__(self, way: Way, kind: Kind, start: int | None) -> None:
        self.tally = Tally()
        self._bounds = day_bounds(kind.day)
        self._walk = kind.walk(way, start)
        self.call: Call | None = next(self._walk)

    def take(self, page: Page) -> None:
        """The answer to `call`."""
        (begin, end), times, tally = self._bounds, page.times, self.tally
        tally.pages += 1
        tally.records += len(times)
        if times and (min(times) < begin or max(times) >= end):
            tally.before += sum(time < begin for time in times)
            tally.after += sum(time >= end for time in times)
        tally.of_the_day = tally.records - tally.before - tally.after
        try:
            self.call = self._walk.send(page)
        except StopIteration:
            self.call = None


def collect(session: Session, way: Way, kind: Kind, book: Book, what: str) -> Tally:
    """Return all pages of a walk, in the book.

    Pages that an earlier try brought are walked again and not asked for. Where they lead elsewhere (because the page
    size was changed, say), the rest of them is dropped.

    Raises:
        NotAvailable: the pages prove that the day is not to be had; none is kept, later ones may prove another thing.
        VendorUnavailable, VendorRefused, and NotAvailable in the exchange's own words: the pages so far are kept.
    """
    steps = Steps(way, kind, _start(session, way, kind, book))
    _again(steps, way, book)
    if steps.call and steps.tally.pages:
        _log.info("%s: goes on after %d pages that came before", what, steps.tally.pages)
    while steps.call is not None:
        page, kept = _brought(session, way, steps.call, what, steps.tally.pages)
        book.append(kept)
        _take(steps, page, book)
    return steps.tally


def _take(steps: Steps, page: Page, book: Book) -> None:
    try:
        steps.take(page)
    except NotAvailable:
        book.cut(0)
        raise


def _start(session: Session, way: Way, kind: Kind, book: Book) -> int | None:
    if kind.timeframe is not None:
        return None
    for _, page in book.whole_pages():
        try:
            return way.started(lines.read(page)[0])
        except (BadFile, Unfit):
            book.cut(0)
            break
    return way.start(lambda call: session.page(call, way.read)[0], kind.day)


def _again(steps: Steps, way: Way, book: Book) -> None:
    """Over the pages that are there; the book is cut where they are none of this walk."""
    for offset, stored in book.whole_pages():
        try:
            call, text = lines.read(stored)
            page = way.read(steps.call, text) if steps.call is not None and call == steps.call else None
        except (BadFile, Unfit):
            page = None
        if page is None:
            book.cut(offset)
            return
        _take(steps, page, book)


def _brought(session: Session, way: Way, call: Call, what: str, before: int) -> tuple[Page, bytes]:
    try:
        page, url, text = session.page(call, way.read)
    except MarketDataError as error:
        now = dt.datetime.now(dt.UTC)
        kind = VendorUnavailable if isinstance(error, VendorUnavailable) else type(error)
        raise kind(
            f"{what}: page {before + 1} failed at {now:%Y-%m-%d %H:%M:%S} UTC: {error}. "
            f"The {before} pages before it are kept for the next try"
        ) from error
    return page, lines.line(call, url, text)
