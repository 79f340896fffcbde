"""Exchanges through CCXT, behind the port. How each one's pages are walked and read stands in the modules beside.

What is light stands here; CCXT, polars and the contracts are imported when a feed runs.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from market_data.domain.errors import BadFile, ConfigurationError, NotYetAvailable
from market_data.domain.ports.source import (
    Batch,
    Delivery,
    EmptyBars,
    Estimate,
    FetchContext,
    Fetched,
    LandedFile,
    Request,
    Source,
)
from market_data.sources.ccxt.exchange_facts import traits
from market_data.sources.ccxt.options import CcxtOptions
from market_data.vendor_access.timeouts import Patience

if TYPE_CHECKING:
    from market_data.sources.ccxt.session import Session

SETTLED = dt.timedelta(minutes=5)
"""After a day's end: clocks differ, and the last candle has to be closed."""


class Ccxt(Source):
    """Exchanges through CCXT: trades by each one's own cursor, their candles, their markets.

    Attributes:
        patience: how long it waits for the exchange.
        now: the clock that tells whether a day is over.
    """

    Options: ClassVar[type[CcxtOptions]] = CcxtOptions
    tables: ClassVar[tuple[str, ...]] = ("instruments", "trades", "vendor_candles")
    empty_bars: ClassVar[EmptyBars] = "absent"
    version: ClassVar[int] = 1
    paid: ClassVar[bool] = False

    patience: Patience = Patience()
    now: Callable[[], dt.datetime] = staticmethod(lambda: dt.datetime.now(dt.UTC))

    def __init__(self, options: CcxtOptions, symbols: Mapping[str, str], shared: Path) -> None:
        """Opens nothing, and asks for no key.

        Raises:
            ConfigurationError: a vendor's symbol is not spelled as CCXT's unified ones are.
        """
        self.options, self._symbols, self._shared = options, tuple(symbols.values()), shared
        # The port has one for a vendor; here each exchange is a vendor.
        self.empty_bars = traits(options.exchange).empty_bars  # pyright: ignore[reportAttributeAccessIssue]
        self._session: Session | None = None
        for symbol in self._symbols:
            base, slash, quote = symbol.partition("/")
            if not (base and slash and quote) or symbol.strip() != symbol:
                raise ConfigurationError(
                    f"{symbol!r} is no unified symbol of CCXT: expected BTC/USDT, or BTC/USDT:USDT for a perpetual"
                )

    @property
    def timeframes(self) -> tuple[str, ...]:
        """Return those of `vendor_candles`."""
        return self.options.candles or traits(self.options.exchange).candles

    def delivery(self, table: str) -> Delivery:
        """See the port."""
        from market_data.sources.ccxt import schemas

        return schemas.delivery(self.options.exchange, table)

    def fetch(self, request: Request, context: FetchContext) -> Sequence[Fetched]:
        """See the port. Instruments are those of now, whatever the day."""
        from market_data.sources.ccxt import fetch

        end = dt.datetime.combine(request.partition.date, dt.time(), dt.UTC) + dt.timedelta(days=1) + SETTLED
        if request.table != "instruments" and self.now() < end:
            raise NotYetAvailable(f"{request} is not over yet: it can be fetched from {end:%Y-%m-%d %H:%M} UTC on")
        session = self._opened()
        try:
            if request.table == "instruments":
                return [fetch.market(session, request, context.workdir)]
            timeframes = [None] if request.table == "trades" else self.timeframes
            return fetch.pages(session, self.options, request, timeframes, context.workdir)
        finally:
            session.close()

    def verify(self, request: Request, paths: Sequence[Path]) -> Sequence[Fetched]:
        """See the port. The pages are walked again: they must lead through the whole day, and nowhere else."""
        from market_data.sources.ccxt import fetch

        return fetch.verified(self.options.exchange, request, paths)

    def decode(self, request: Request, files: Sequence[LandedFile]) -> Iterator[Batch]:
        """See the port."""
        from market_data.sources.ccxt import fetch

        for file in files:
            try:
                yield from fetch.batches(request, file, files, self.delivery(request.table).schema)
            except BadFile as error:
                raise BadFile(f"{file.name} {error}") from error

    def expected(self, request: Request, files: Sequence[LandedFile]) -> int | None:  # noqa: ARG002
        """Return how many records of the day were counted when the pages came; exchanges do not say."""
        from market_data.sources.ccxt import facts

        said = next((file.path for file in files if file.name == facts.NAME), None)
        return facts.read(said).expected if said else None

    def notes(self, request: Request, files: Sequence[LandedFile]) -> Mapping[str, Any]:  # noqa: ARG002
        """Return pages and records by file, with those that are of the days around and were left out."""
        from market_data.sources.ccxt import facts

        said = next((file.path for file in files if file.name == facts.NAME), None)
        return facts.read(said).notes if said else {}

    def estimate(self, requests: Sequence[Request]) -> Estimate:
        """At least so many requests: how many pages a day of trades has is only known when they were walked."""
        each = {"instruments": 0, "trades": 2, "vendor_candles": len(self.timeframes)}
        return Estimate(requests=1 + sum(each[request.table] for request in requests), cost_usd=0.0)

    def _opened(self) -> "Session":
        from market_data.sources.ccxt.session import Session

        if self._session is None:
            self._session = Session(self.options, self._symbols, self.patience, self._shared)
        return self._session


SOURCE: type[Source] = Ccxt
