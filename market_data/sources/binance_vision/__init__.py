"""Binance's public archive (data.binance.vision), behind the port. How its files look stands in the modules beside.

What is light stands here; HTTP, polars and the contracts are imported when a feed runs.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from market_data.domain.errors import BadFile, DamagedDownload, NotAvailable, NotYetAvailable
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
from market_data.sources.binance_vision import archive
from market_data.sources.binance_vision.archive import ArchiveFile
from market_data.sources.binance_vision.options import BinanceVisionOptions
from market_data.vendor_access.timeouts import Patience

if TYPE_CHECKING:
    from market_data.vendor_access.download import Downloads


class BinanceVision(Source):
    """Binance's public archive: daily files of aggregate trades and klines, spot and USD-M futures.

    Attributes:
        patience: how long it waits for the archive.
        now: the clock that tells a day which is not published yet from one that is not there.
    """

    Options: ClassVar[type[BinanceVisionOptions]] = BinanceVisionOptions
    tables: ClassVar[tuple[str, ...]] = ("instruments", "trades", "vendor_candles")
    empty_bars: ClassVar[EmptyBars] = "flat"
    version: ClassVar[int] = 1

    patience: Patience = Patience()
    now: Callable[[], dt.datetime] = staticmethod(lambda: dt.datetime.now(dt.UTC))

    def __init__(self, options: BinanceVisionOptions, symbols: Mapping[str, str], shared: Path) -> None:
        """Opens nothing.

        Raises:
            ConfigurationError: a vendor's symbol is not spelled as the archive spells them.
        """
        self.options = options
        self._shared = shared
        for symbol in symbols.values():
            archive.must_be_a_symbol(symbol)

    def delivery(self, table: str) -> Delivery:
        """See the port."""
        from market_data.sources.binance_vision.schemas import DELIVERIES

        return DELIVERIES[table]

    def fetch(self, request: Request, context: FetchContext) -> Sequence[Fetched]:
        """See the port. Instruments are not published: a small file made from the configuration stands for them."""
        if request.table == "instruments":
            from market_data.sources.binance_vision import instruments

            return [instruments.configured(request, self.options.market, context.workdir)]
        with self._opened() as downloads:
            return [self._fetch_one(downloads, request, file, context.workdir) for file in self._files(request)]

    def verify(self, request: Request, paths: Sequence[Path]) -> Sequence[Fetched]:
        """See the port. A `.CHECKSUM` beside a file is used; the first and the last record's day are looked at."""
        from market_data.sources.binance_vision.verify import verified

        day = request.partition.date
        return verified(self._files(request), paths, day, self.options.max_uncompressed_bytes)

    def decode(self, request: Request, files: Sequence[LandedFile]) -> Iterator[Batch]:
        """See the port. While a batch is consumed, a thread inflates the next one's bytes."""
        for file in files:
            try:
                yield from self._decode_one(request, file)
            except BadFile as error:
                raise BadFile(f"{file.name} {error}") from error

    def replaced(self, request: Request, files: Sequence[LandedFile]) -> bool | None:
        """By the checksums that the archive publishes: it does replace files, years later too."""
        if request.table == "instruments":
            return False
        landed = {file.name: file.sha256 for file in files}
        with self._opened() as downloads:
            for file in self._files(request):
                published = _published_sha256(downloads, f"{self.options.base_url}/{file.path}", file.name)
                if published != landed.get(file.name):
                    return True
        return False

    def estimate(self, requests: Sequence[Request]) -> Estimate:
        """Return an estimate of two requests a file. The archive tells no sizes beforehand."""
        fetched = [request for request in requests if request.table != "instruments"]
        return Estimate(requests=sum(2 * len(self._files(request)) for request in fetched), cost_usd=0.0)

    def _opened(self) -> "AbstractContextManager[Downloads]":
        from market_data.vendor_access import download as _download
        from market_data.vendor_access.circuit_breaker import Breaker
        from market_data.vendor_access.request_policy import Manners

        manners = Manners(self.patience, Breaker(self._shared / "breaker.json", "Binance's archive"))
        return _download.opened(
            self.options.base_url,
            self.patience,
            ask=manners.ask,
            allow_private_redirects=self.options.allow_private_redirects,
        )

    def _files(self, request: Request) -> list[ArchiveFile]:
        market, symbol, day = self.options.market, request.vendor_symbol, request.partition.date
        if request.table == "trades":
            return [archive.trades_file(market, symbol, day)]
        if request.table == "vendor_candles":
            return [archive.klines_file(market, symbol, day, interval) for interval in self.options.klines]
        raise BadFile(f"Binance publishes no files of {request.table}: they are made from the configuration")

    def _fetch_one(self, downloads: "Downloads", request: Request, file: ArchiveFile, workdir: Path) -> Fetched:
        from market_data.vendor_files.zip_member import check_zip

        url, path = f"{self.options.base_url}/{file.path}", workdir / file.name
        limit = self.options.max_uncompressed_bytes
        try:
            downloads.file(url, path, lambda: _published_sha256(downloads, url, file.name), limit)
        except NotAvailable as error:
            raise self._absent(request, error) from error
        try:
            check_zip(path, file.member, limit)
        except BadFile as error:
            path.unlink()
            raise BadFile(f"{url} {error}") from error
        return Fetched(path, file.name, url)

    def _absent(self, request: Request, error: NotAvailable) -> NotAvailable | NotYetAvailable:
        day = request.partition.date
        end = dt.datetime.combine(day, dt.time(), dt.UTC) + dt.timedelta(days=1)
        if self.now() < end + archive.PUBLISHED_WITHIN:
            return NotYetAvailable(
                f"{request} is not available yet: Binance publishes a day the next day, sometimes later; "
                f"try again later ({error})"
            )
        return NotAvailable(
            f"{request} is not in Binance's archive: check that {request.vendor_symbol} is its name in "
            f"{self.options.market}, and that it was traded on {day} ({error})"
        )

    def _decode_one(self, request: Request, file: LandedFile) -> Iterator[Batch]:
        from market_data.sources.binance_vision import decode, instruments
        from market_data.vendor_files.prefetch import prefetch
        from market_data.vendor_files.zip_member import read_zip

        if request.table == "instruments":
            yield instruments.batch(file.name, file.path.read_bytes())
            return
        member = file.name.removesuffix(".zip") + ".csv"
        with closing(prefetch(read_zip(file.path, member, self.options.max_uncompressed_bytes))) as chunks:
            if request.table == "trades":
                yield from decode.trade_batches(file.name, chunks, self.options.market)
            else:
                symbol = request.vendor_symbol
                interval = archive.interval_of(file.name, symbol, request.partition.date)
                yield from decode.kline_batches(file.name, chunks, symbol, interval)


def _published_sha256(downloads: "Downloads", url: str, name: str) -> str:
    from market_data.sources.binance_vision.verify import checksum

    text = downloads.text(f"{url}.CHECKSUM")
    sha256 = checksum(text, name)
    if sha256 is None:
        raise DamagedDownload(f"{url}.CHECKSUM is no checksum of {name}: {text[:100]!r}")
    return sha256


SOURCE: type[Source] = BinanceVision
