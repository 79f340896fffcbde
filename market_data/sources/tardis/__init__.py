"""Tardis' archive of crypto markets, behind the port. How its files look stands in the modules beside.

What is light stands here; HTTP, polars and the contracts are imported when a feed runs.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from market_data.domain.errors import BadFile
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
from market_data.sources.tardis import archive
from market_data.sources.tardis.archive import DataSet
from market_data.sources.tardis.options import TardisOptions
from market_data.vendor_access.timeouts import Patience


class Tardis(Source):
    """Tardis: trades, quotes, books, funding, liquidations and options chains of crypto exchanges, by subscription.

    Attributes:
        patience: how long it waits for Tardis.
        now: the clock that tells a day which is not published yet from one that is not there.
    """

    Options: ClassVar[type[TardisOptions]] = TardisOptions
    tables: ClassVar[tuple[str, ...]] = (
        "instruments",
        "trades",
        "quotes",
        "book_snapshots",
        "book_updates",
        "derivative_tickers",
        "liquidations",
        "options_chains",
    )
    empty_bars: ClassVar[EmptyBars] = "absent"
    version: ClassVar[int] = 1
    paid: ClassVar[bool] = False

    patience: Patience = Patience()
    now: Callable[[], dt.datetime] = staticmethod(lambda: dt.datetime.now(dt.UTC))

    def __init__(self, options: TardisOptions, symbols: Mapping[str, str], shared: Path) -> None:
        """Opens nothing, and asks for no key.

        Raises:
            ConfigurationError: a vendor's symbol is none.
        """
        self.options = options
        self._shared = shared
        for symbol in symbols.values():
            archive.must_be_a_symbol(symbol)

    def delivery(self, table: str) -> Delivery:
        """See the port."""
        from market_data.sources.tardis import schemas

        return schemas.delivery(table, self.options.depth, negative_prices=self.options.negative_prices)

    def fetch(self, request: Request, context: FetchContext) -> Sequence[Fetched]:
        """See the port.

        Raises:
            ConfigurationError: the day needs a key, and there is none in the environment; nothing was asked.
        """
        from market_data.sources.tardis.session import Session

        session = Session(self.options, self.patience, self._shared, self.now)
        if request.table == "instruments":
            return [session.instruments(request, context.workdir)]
        return [session.data_set(self._data_set(request), context.workdir)]

    def verify(self, request: Request, paths: Sequence[Path]) -> Sequence[Fetched]:
        """See the port. Files are known by what stands in them, whatever they are called; Tardis is not asked."""
        from market_data.sources.tardis.verify import verified

        if request.table == "instruments":
            raise BadFile("the instruments are asked of Tardis' API: they are fetched, not landed")
        return [verified(self._data_set(request), paths, self.options.max_uncompressed_bytes)]

    def decode(self, request: Request, files: Sequence[LandedFile]) -> Iterator[Batch]:
        """See the port. While a batch is consumed, a thread unpacks the next one's bytes."""
        for file in files:
            try:
                yield from self._decode_one(request, file)
            except BadFile as error:
                raise BadFile(f"{file.name} {error}") from error

    def expected(self, request: Request, files: Sequence[LandedFile]) -> int | None:  # noqa: ARG002
        """Tardis does not say."""
        return None

    def notes(self, request: Request, files: Sequence[LandedFile]) -> Mapping[str, Any]:
        """Return an empty file is Tardis' way of saying that it has no data of the day."""
        if request.table == "instruments":
            return {}
        from market_data.vendor_files.bulk.unpack import is_empty

        return {"condition": "no data"} if all(is_empty(file.path) for file in files) else {}

    def estimate(self, requests: Sequence[Request]) -> Estimate:
        """Return a request a file. A subscription pays for all; sizes are not told beforehand."""
        return Estimate(requests=len(requests), cost_usd=0.0)

    def _data_set(self, request: Request) -> DataSet:
        day, depth = request.partition.date, self.options.depth
        return archive.data_set(self.options.exchange, request.table, request.vendor_symbol, day, depth)

    def _decode_one(self, request: Request, file: LandedFile) -> Iterator[Batch]:
        from market_data.sources.tardis import decode, instruments

        limit = self.options.max_uncompressed_bytes
        if request.table == "instruments":
            yield from instruments.batches(file, request, limit)
        else:
            yield from decode.batches(file.name, file.path, self._data_set(request), limit)


SOURCE: type[Source] = Tardis
