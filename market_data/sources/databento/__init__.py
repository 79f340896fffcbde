"""Databento's historical API, behind the port. How it is asked and how its files look stands in the modules beside.

What is light stands here; the vendor's client, polars and the contracts are imported when a feed runs.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from market_data.domain.errors import BadFile, ConfigurationError
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
from market_data.sources.databento import facts, resolution
from market_data.sources.databento.options import DatabentoOptions
from market_data.sources.databento.query import Query, must_be_a_symbol, spans
from market_data.sources.databento.rate_limits import Polling, Rates
from market_data.vendor_access.timeouts import Patience

if TYPE_CHECKING:
    from market_data.sources.databento.client import Client
    from market_data.sources.databento.session import Session


class Databento:
    """Databento: trades, quotes, bars, statistics and definitions of futures, equities and options, paid by volume.

    Attributes:
        patience: how long it waits for the vendor, which may think long before a stream's first byte.
        rates: how fast it asks.
        polling: how it waits for a batch job.
    """

    Options: ClassVar[type[DatabentoOptions]] = DatabentoOptions
    tables: ClassVar[tuple[str, ...]] = ("instruments", "trades", "quotes", "statistics", "vendor_candles")
    empty_bars: ClassVar[EmptyBars] = "absent"
    version: ClassVar[int] = 2
    paid: ClassVar[bool] = True

    patience: Patience = Patience(timeout_seconds=100.0)
    rates: Rates = Rates()
    polling: Polling = Polling()

    def __init__(self, options: DatabentoOptions, symbols: Mapping[str, str], shared: Path) -> None:
        """Opens nothing, and asks for no key.

        Raises:
            ConfigurationError: a vendor's symbol is not one of the type in `stype_in`.
        """
        self.options = options
        self._shared = shared
        self._client: Client | None = None
        self._session: Session | None = None
        for symbol in symbols.values():
            must_be_a_symbol(symbol, options.stype_in)

    def delivery(self, table: str) -> Delivery:
        """See the port."""
        from market_data.sources.databento import schemas

        return schemas.delivery(table, self.options.dataset)

    def fetch(self, request: Request, context: FetchContext) -> Sequence[Fetched]:
        """See the port.

        Raises:
            ConfigurationError: there is no key in the environment, or no schema of the options feeds the table.
            UnclearSymbol: the symbol stands for nothing that day, or for several instruments where one is meant.
            OverBudget: it would cost more than the feed may spend.
        """
        from market_data.sources.databento.batch import Jobs
        from market_data.sources.databento.fetch import fetch

        session = self._opened()
        jobs = Jobs(self._asked(), self.polling, self.options.batch_above_bytes)
        return fetch(session, jobs, self._queries(request), context)

    def verify(self, request: Request, paths: Sequence[Path]) -> Sequence[Fetched]:
        """See the port. Files are known by their own heads, whatever they are called; the vendor is not asked."""
        from market_data.sources.databento.answer import count, schema_of

        by_schema = {schema_of(path): path for path in paths}
        queries = self._queries(request)
        wanted = [query.schema for query in queries]
        if sorted(by_schema) != sorted(wanted) or len(paths) != len(wanted):
            raise BadFile(f"{request}: expected a file each of {', '.join(wanted)}; was given {', '.join(by_schema)}")
        for query in queries:
            path = by_schema[query.schema]
            try:
                count(path, query)
            except BadFile as error:
                raise BadFile(f"{path.name} {error}") from error
        return [Fetched(by_schema[q.schema], q.name, f"file {by_schema[q.schema].name}") for q in queries]

    def decode(self, request: Request, files: Sequence[LandedFile]) -> Iterator[Batch]:
        """See the port."""
        from market_data.sources.databento import decode

        said = _named(files, resolution.NAME)
        known = resolution.read(said).raw_symbols if said else {}
        for file in files:
            if file.name not in (facts.NAME, resolution.NAME):
                yield from decode.batches(request, file, known)

    def expected(self, request: Request, files: Sequence[LandedFile]) -> int | None:  # noqa: ARG002
        """Return what Databento counted when the files were bought; of a user's own files nothing is known."""
        said = _named(files, facts.NAME)
        return facts.read(said).expected if said else None

    def notes(self, request: Request, files: Sequence[LandedFile]) -> Mapping[str, Any]:  # noqa: ARG002
        """Return what Databento says of the day's quality, and which instruments the symbol stood for."""
        quality, meant = _named(files, facts.NAME), _named(files, resolution.NAME)
        notes = facts.read(quality).notes if quality else {}
        if meant:
            resolved = resolution.read(meant)
            notes |= resolved.notes
            notes["remarks"] = [*notes.get("remarks", []), *resolved.remarks]
        return notes

    def replaced(self, request: Request, files: Sequence[LandedFile]) -> bool | None:
        """By the day on which Databento last changed anything of the dataset's day; asking is free."""
        said = _named(files, facts.NAME)
        if said is None:
            return None
        entry = self._opened().condition(self.options.dataset, request.partition.date)
        return entry.get("last_modified_date") != facts.read(said).last_modified_date

    def estimate(self, requests: Sequence[Request]) -> Estimate:
        """Return what Databento says beforehand.

        Asking is free, and days that follow each other are asked for at once.
        """
        session, queries = self._opened(), [query for request in requests for query in self._queries(request)]
        priced = spans(queries)
        # Of a day its condition, its symbol, and of each file its count, its size, its cost and the stream.
        each_day = 1 + resolution.requests(self.options.stype_in)
        return Estimate(
            requests=1 + each_day * len(requests) + 4 * len(queries),
            size_bytes=sum(session.size_bytes(query) for query in priced),
            records=sum(session.records(query) for query in priced),
            cost_usd=sum(session.cost_usd(query) for query in priced),
        )

    def _asked(self) -> "Client":
        from market_data.sources.databento.client import Client

        if self._client is None:
            self._client = Client(self.options, self.patience, self.rates, self._shared)
        return self._client

    def _opened(self) -> "Session":
        from market_data.sources.databento.session import Session

        if self._session is None:
            self._session = Session(self._asked())
        return self._session

    def _queries(self, request: Request) -> list[Query]:
        from market_data.sources.databento.schemas import TABLE_OF

        feeding = [schema for schema, table in TABLE_OF.items() if table == request.table]
        queries = [
            Query(self.options.dataset, schema, self.options.stype_in, request.vendor_symbol, request.partition.date)
            for schema in self.options.schemas
            if schema in feeding
        ]
        if not queries:
            raise ConfigurationError(
                f"{request}: no schema in the feed's options feeds {request.table}; add one of {', '.join(feeding)}"
            )
        return queries


def _named(files: Sequence[LandedFile], name: str) -> Path | None:
    return next((file.path for file in files if file.name == name), None)


SOURCE: type[Source] = Databento
