"""A simulated exchange behind the port of sources. The simulation is in `market`, its defects in `defects`.

Importing this imports no polars: the port's methods do, when they run.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from market_data.domain.errors import BadFile, ConfigurationError, NotAvailable
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
from market_data.sources.simulated.options import SimulatedOptions

if TYPE_CHECKING:
    from market_data.sources.simulated.market import Draw, Market

_EPOCH = dt.date(1970, 1, 1)


class Simulated(Source):
    """Simulated exchange: offline, deterministic from its seed, realistic, with defects on request."""

    Options: ClassVar[type[SimulatedOptions]] = SimulatedOptions
    tables: ClassVar[tuple[str, ...]] = ("instruments", "trades", "quotes", "vendor_candles")
    empty_bars: ClassVar[EmptyBars] = "flat"
    version: ClassVar[int] = 1

    def __init__(self, options: SimulatedOptions, symbols: Mapping[str, str], shared: Path) -> None:  # noqa: ARG002
        unknown = sorted({*options.trades_per_day, *options.start_price} - symbols.keys())
        if unknown:
            raise ConfigurationError(
                f"options name {', '.join(unknown)}; expected symbols of the feed: {', '.join(symbols)}"
            )
        self._options = options
        self._ranks = {symbol: rank for rank, symbol in enumerate(symbols)}

    def delivery(self, table: str) -> Delivery:
        """Return trades by their running ids, quotes by their place, candles and instruments by their keys."""
        from market_data.sources.simulated.decode import delivery

        return delivery(table)

    def fetch(self, request: Request, context: FetchContext) -> Sequence[Fetched]:
        """Simulate the day and write the vendor's file; what an earlier try left is written over.

        Raises:
            NotAvailable: the feed has no such symbol, or the day lies before 1970-01-01.
        """
        from market_data.sources.simulated import files
        from market_data.sources.simulated.defects import damage
        from market_data.sources.simulated.rows import rows

        market, day_number = self._market(request), _day_number(request)

        def draw(defect: str) -> "Draw":
            return market.numbers(day_number, "defects", defect).random

        clean = rows(request.table, market, day_number, self._options.candles)
        path = context.workdir / files.name(request)
        files.write(path, request, damage(request.table, clean, self._options.defect_names, draw))
        return [Fetched(path, path.name, f"simulated exchange, seed {self._options.seed}")]

    def verify(self, request: Request, paths: Sequence[Path]) -> Sequence[Fetched]:
        """Verify one file a request: whole, and of the request's table, symbol and day by its own title.

        Raises:
            BadFile: it is another number of files, or the file is damaged, cut short or of something else.
        """
        from market_data.sources.simulated import files

        if len(paths) != 1:
            raise BadFile(f"{request} is one file of this vendor; got {len(paths)}")
        for _ in files.chunks(paths[0], request):
            pass
        return [Fetched(paths[0], files.name(request), paths[0].name)]

    def decode(self, request: Request, files: Sequence[LandedFile]) -> Iterator[Batch]:
        """Yield batches of at most a hundred thousand records.

        Raises:
            BadFile: a file is damaged, cut short, or not what the request's would be.
        """
        from market_data.sources.simulated.decode import batches

        for file in files:
            yield from batches(request, file)

    def expected(self, request: Request, files: Sequence[LandedFile]) -> int | None:  # noqa: ARG002  the port's shape
        """Return the count in the files' last lines."""
        from market_data.sources.simulated.files import stated

        return stated([file.path for file in files])

    def replaced(self, request: Request, files: Sequence[LandedFile]) -> bool | None:  # noqa: ARG002
        """Never: the same seed gives the same bytes."""
        return False

    def estimate(self, requests: Sequence[Request]) -> Estimate:
        """Return an estimate: one file a request, and about how many records; it costs nothing.

        Raises:
            NotAvailable: the feed has no such symbol.
        """
        from market_data.sources.simulated.candles import TIMEFRAME_MINUTES
        from market_data.sources.simulated.market import MINUTES, QUOTES_PER_TRADE

        def records(request: Request) -> int:
            trades = self._market(request).trades_per_day
            return {
                "instruments": 1,
                "trades": trades,
                "quotes": round(trades * QUOTES_PER_TRADE),
                "vendor_candles": sum(MINUTES // TIMEFRAME_MINUTES[each] for each in self._options.candles),
            }[request.table]

        return Estimate(requests=len(requests), records=sum(map(records, requests)), cost_usd=0.0)

    def _market(self, request: Request) -> "Market":
        from market_data.sources.simulated.market import Market

        symbol = request.partition.symbol
        rank = self._ranks.get(symbol)
        if rank is None:
            raise NotAvailable(f"the simulated exchange has no {symbol}; it has {', '.join(self._ranks)}")
        return Market(
            seed=self._options.seed,
            symbol=request.vendor_symbol,
            trades_per_day=self._options.trades_of(symbol, rank),
            start_price=self._options.price_of(symbol, rank),
        )


def _day_number(request: Request) -> int:
    """Return the request's day, counted from the epoch."""
    number = (request.partition.date - _EPOCH).days
    if number < 0:
        raise NotAvailable(f"{request}: the simulated exchange opened on {_EPOCH.isoformat()}")
    return number


SOURCE: type[Source] = Simulated
