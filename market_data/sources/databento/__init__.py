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
from market_data.sources._patience import Patience
from market_data.sources.databento import facts
from market_data.sources.databento.options import DatabentoOptions
from market_data.sources.databento.query import Query, must_be_a_symbol

if TYPE_CHECKING:
    from market_data.sources.databento.session import Session


class Databento:
    """Databento: trades, quotes, bars, statistics and definitions of futures, equities and options, paid by volume.

    Attributes:
        patience: how long it waits for the vendor, which may think long before a stream's first byte.
    """

    Options: ClassVar[type[DatabentoOptions]] = DatabentoOptions
    tables: ClassVar[tuple[str, ...]] = ("instruments", "trades", "quotes", "statistics", "vendor_candles")
    empty_bars: ClassVar[EmptyBars] = "absent"
    version: ClassVar[int] = 1
    paid: ClassVar[bool] = True

    patience: Patience = Patience(timeout_seconds=100.0)

    def __init__(self, options: DatabentoOptions, symbols: Mapping[str, str], shared: Path) -> None:
        """Opens nothing, and asks for no key.

        Raises:
            ConfigurationError: a vendor's symbol is not one of the type in `stype_in`.
        """
        self.options = options
        self._shared = shared
        self._session: Session | None = None
        for symbol in symbols.values():
            must_be_a_symbol(symbol, options.stype_in)

    def delivery(self, table: str) -> Delivery:
        """See the port."""
        from market_data.sources.databento import schemas

        return schemas.delivery(table)

    def fetch(self, request: Request, context: FetchContext) -> Sequence[Fetched]:
        """See the port.

        Raises:
            ConfigurationError: there is no key in the environment, or no schema of the options feeds the table.
            OverBudget: it would cost more than the feed may spend.
        """
        from market_data.sources.databento.fetch import fetch

        return fetch(self._opened(), self._queries(request), context)

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

        for file in files:
            if file.name != facts.NAME:
                yield from decode.batches(request, file)

    def expected(self, request: Request, files: Sequence[LandedFile]) -> int | None:  # noqa: ARG002
        """What Databento counted when the files were bought; of a user's own files nothing is known."""
        said = next((file.path for file in files if file.name == facts.NAME), None)
        return facts.read(said).expected if said else None

    def notes(self, request: Request, files: Sequence[LandedFile]) -> Mapping[str, Any]:  # noqa: ARG002
        """What Databento says of the day's quality."""
        said = next((file.path for file in files if file.name == facts.NAME), None)
        return facts.read(said).notes if said else {}

    def replaced(self, request: Request, files: Sequence[LandedFile]) -> bool | None:
        """By the day on which Databento last changed anything of the dataset's day; asking is free."""
        said = next((file.path for file in files if file.name == facts.NAME), None)
        if said is None:
            return None
        entry = self._opened().condition(self.options.dataset, request.partition.date)
        return entry.get("last_modified_date") != facts.read(said).last_modified_date

    def estimate(self, requests: Sequence[Request]) -> Estimate:
        """What Databento says beforehand; asking is free."""
        session, queries = self._opened(), [query for request in requests for query in self._queries(request)]
        return Estimate(
            requests=2 + 3 * len(queries),
            size_bytes=sum(session.size_bytes(query) for query in queries),
            records=sum(session.records(query) for query in queries),
            cost_usd=sum(session.cost_usd(query) for query in queries),
        )

    def _opened(self) -> "Session":
        from market_data.sources.databento.session import Session

        if self._session is None:
            self._session = Session(self.options, self.patience)
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


SOURCE: type[Source] = Databento
