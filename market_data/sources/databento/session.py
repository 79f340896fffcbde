"""What Databento is asked: what there is, what it costs, which symbols are meant, and the stream itself.

In which order stands in `fetch`, how in `client`; jobs stand in `batch`.
"""

import datetime as dt
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from databento_dbn import DBNError
from zstandard import ZstdError

from market_data.domain.errors import DamagedDownload, VendorUnavailable
from market_data.domain.time import parse_instant
from market_data.sources.databento.client import Client
from market_data.sources.databento.query import Query
from market_data.vendor_access.timeouts import Patience


class Session:
    """Questions to one vendor.

    Every method raises VendorUnavailable when its patience has an end, VendorRefused and NotAvailable at once.
    """

    def __init__(self, client: Client) -> None:
        """Asks for nothing."""
        self._client = client
        self._api = client.api
        self._ranges: dict[str, Any] = {}

    @property
    def patience(self) -> Patience:
        """Return how long it waits."""
        return self._client.manners.patience

    def cost_usd(self, query: Query) -> float:
        """Return what streaming it would cost."""
        what = f"the cost of {query}"
        return _number(self._client.ask(what, lambda: self._api.metadata.get_cost(**query.arguments)), what)

    def size_bytes(self, query: Query) -> int:
        """Return its size as it is billed, uncompressed."""
        what, ask = f"the size of {query}", self._api.metadata.get_billable_size
        return int(_number(self._client.ask(what, lambda: ask(**query.arguments)), what))

    def records(self, query: Query) -> int:
        """Return how many records it has."""
        what, ask = f"the record count of {query}", self._api.metadata.get_record_count
        return int(_number(self._client.ask(what, lambda: ask(**query.arguments)), what))

    def available(self, query: Query, *, again: bool = False) -> tuple[dt.datetime, dt.datetime]:
        """From when to when, exclusive, there is data that the account may have; as it was told first, or `again`."""
        what, dataset = f"the range of {query.dataset}", query.dataset
        if again or dataset not in self._ranges:
            self._ranges[dataset] = self._client.ask(what, lambda: self._api.metadata.get_dataset_range(dataset))
        answer = self._ranges[dataset]
        try:
            span = answer.get("schema", {}).get(query.schema, answer)
            return parse_instant(span["start"]), parse_instant(span["end"])
        except (AttributeError, KeyError, TypeError, ValueError):
            raise self._strange(what, "range", answer) from None

    def condition(self, dataset: str, day: dt.date) -> dict[str, str | None]:
        """Return what the vendor says of a day's quality: its entry, empty where the day is not listed."""
        what, date = f"the condition of {dataset} on {day.isoformat()}", day.isoformat()
        ask = self._api.metadata.get_dataset_condition
        answer: Any = self._client.ask(what, lambda: ask(dataset, start_date=date, end_date=date))
        try:
            return next((dict(entry) for entry in answer if entry["date"] == date), {})
        except (KeyError, TypeError, ValueError):
            raise self._strange(what, "list", answer) from None

    def resolve(
        self, dataset: str, symbols: Sequence[str], stype_in: str, stype_out: str, day: dt.date
    ) -> dict[str, list[str]]:
        """Return what symbols stood for on a day: by symbol as the vendor names it, all that it stood for, sorted.

        An interval's end is not part of it, and a symbol or id may mean another instrument after it: only the
        intervals that hold the day count.
        """
        what = f"what {', '.join(symbols[:5])} of {dataset} stands for on {day.isoformat()}"
        end = day + dt.timedelta(days=1)

        def ask() -> Any:
            return self._api.symbology.resolve(dataset, symbols, stype_in, stype_out, day, end)

        answer = self._client.ask(what, ask)
        try:
            return {symbol: _on(day, intervals) for symbol, intervals in answer["result"].items()}
        except (AttributeError, KeyError, TypeError, ValueError):
            raise self._strange(what, "resolution", answer) from None

    def download(self, query: Query, path: Path) -> None:
        """The stream into a file that does not exist. It is billed from its first byte, so it is not asked for twice.

        Raises:
            DamagedDownload: the stream broke off, or is none; the path may hold a part of it.
        """

        def stream() -> None:
            self._api.timeseries.get_range(**query.arguments, path=path)

        try:
            self._client.ask(str(query), stream, self._client.timeseries)
        except (ValueError, EOFError, DBNError, ZstdError) as error:
            raise DamagedDownload(f"{query}: what came is no DBN: {self._client.shown(error)}") from None

    def _strange(self, what: str, kind: str, answer: object) -> VendorUnavailable:
        return VendorUnavailable(f"{what}: the answer is no {kind}: {self._client.shown(answer)[:200]}")


def _on(day: dt.date, intervals: Sequence[dict[str, str]]) -> list[str]:
    date = day.isoformat()
    return sorted({each["s"] for each in intervals if each["s"] and each["d0"] <= date < each["d1"]})


def _number(answer: object, what: str) -> float:
    """Return a figure that money may depend on: nothing else is taken for one."""
    good = isinstance(answer, int | float) and not isinstance(answer, bool) and math.isfinite(answer) and answer >= 0
    if not good:
        raise VendorUnavailable(f"{what}: the answer is no figure: {str(answer)[:200]}")
    return cast("float", answer)
