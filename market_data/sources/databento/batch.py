"""Large queries as jobs: ordered once, waited for, and downloaded with the vendor's SHA-256 enforced.

A note in the request's folder says what was ordered, before it is: so a killed process finds its job again. What the
files must hold is `fetch`'s matter.
"""

import datetime as dt
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from market_data.domain.errors import BadFile, NotAvailable, Permanent, VendorUnavailable
from market_data.domain.time import parse_instant
from market_data.sources.databento.client import Client
from market_data.sources.databento.query import Query
from market_data.sources.databento.rate_limits import Polling
from market_data.storage.files import write_atomic
from market_data.vendor_access.retry_policy import patiently

_log = logging.getLogger(__name__)
_FORM: dict[str, Any] = {
    "encoding": "dbn",
    "compression": "zstd",
    "map_symbols": False,  # as in a stream: the metadata has the mappings
    "split_symbols": False,
    "split_duration": "none",
    "delivery": "download",
}
_TOLD_OF = ("dataset", "schema", "stype_in", "symbols", "encoding", "compression", "split_duration", "split_symbols")
_CLOCKS_APART = dt.timedelta(days=1, minutes=5)
"""Ours and the vendor's, at most: ours may have been wrong by a day when the order was sent, and set right since. A job
for the same data that is a little older is as good, and not paid twice."""


@dataclass(frozen=True, slots=True)
class Note:
    """What was ordered.

    Attributes:
        path: where the note is.
        order: the query, as text.
        since: a time before the order was sent, ISO 8601, UTC.
        job: the vendor's name of it; None until it is known.
    """

    path: Path
    order: str
    since: str
    job: str | None = None

    def write(self) -> Self:
        """In one step."""
        fields = {name: value for name, value in asdict(self).items() if name != "path"}
        write_atomic(self.path, json.dumps(fields, indent=1).encode())
        return self


@dataclass(frozen=True, slots=True)
class _DataFile:
    name: str
    url: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Jobs:
    """The jobs of one feed.

    Attributes:
        client: of the vendor.
        polling: how a job is waited for.
        above_bytes: what is billed for more is bought by a job.
    """

    client: Client
    polling: Polling
    above_bytes: int

    def bring(self, query: Query, folder: Path, pay: Callable[[], None]) -> Path:
        """Return the query's file with the vendor's SHA-256, in `folder` under a name of its own.

        Args:
            query: one day.
            folder: where notes and parts of earlier tries lie.
            pay: called before a job is ordered, and only then.

        Raises:
            NotAvailable: the job has expired; the next try orders a new one.
            VendorUnavailable: also when the job takes too long; the next try goes on with it.
            DamagedDownload: the hash was wrong twice.
            BadFile: the job has another number of data files than one.
        """
        note = self._noted(query, folder)
        fresh = note is None
        if note is None:
            pay()
            since = (dt.datetime.now(dt.UTC) - _CLOCKS_APART).isoformat()
            note = Note(_path(query, folder), str(query), since).write()
        if note.job is None:
            note = replace(note, job=self._ordered(query, note, fresh=fresh)).write()
            _log.info("%s: ordered as batch job %s", query, note.job)
        self._wait(query, note)
        return self._download(query, note, folder / f"{query.name}.batch")

    def forget(self, query: Query, folder: Path) -> None:
        """The query's file is there: no job of it is needed any more."""
        _path(query, folder).unlink(missing_ok=True)

    def _noted(self, query: Query, folder: Path) -> Note | None:
        path = _path(query, folder)
        if not path.exists():
            return None
        note = Note(path, **json.loads(path.read_text(encoding="utf-8")))
        return note if note.order == str(query) else None

    def _ordered(self, query: Query, note: Note, *, fresh: bool) -> str:
        """Return the job's name.

        An order of which nothing was heard may have arrived: it is looked for before another one.
        """
        looked_for = not fresh

        def once() -> str:
            nonlocal looked_for
            found = self._find(query, note) if looked_for else None
            looked_for = True
            return found or self._submit(query)

        try:
            return patiently(self.client.manners.patience, once)
        except Permanent:  # refused: nothing was ordered, and the next try pays before it orders
            note.path.unlink()
            raise

    def _submit(self, query: Query) -> str:
        what, submit = f"a batch job for {query}", self.client.api.batch.submit_job
        answer = self.client.ask_once(what, lambda: submit(**query.arguments, **_FORM), self.client.submissions)
        return _text(answer, "id", what)

    def _find(self, query: Query, note: Note) -> str | None:
        """Return the job of a query.

        The list has only names and states (since September 2026): the details are asked for job by job.

        No states are asked for: that is all but expired ones, with those just received, which the client cannot name.
        """
        what, batch = f"the batch jobs since {note.since}", self.client.api.batch
        jobs: Any = self.client.ask_once(what, lambda: batch.list_jobs(states=None, since=note.since))
        if not isinstance(jobs, list):
            raise self._strange(what, jobs)
        for job in jobs:  # pyright: ignore[reportUnknownVariableType]
            name = _text(job, "id", what)
            if _is_of(query, self.client.ask_once(f"batch job {name}", lambda name=name: batch.get_job_details(name))):
                _log.info("%s: found again as batch job %s", query, name)
                return name
        return None

    def _wait(self, query: Query, note: Note) -> None:
        waited, wait = 0.0, self.polling.first_wait_seconds
        while (state := self._state(query, note)) != "done":
            if state == "expired":
                note.path.unlink()
                raise NotAvailable(f"{query}: batch job {note.job} has expired; run it again to order and pay another")
            if waited >= self.polling.give_up_seconds:
                raise VendorUnavailable(
                    f"{query}: batch job {note.job} is still {state}; run it again to go on with it, at no cost"
                )
            _log.info("%s: batch job %s is %s; looking again in %.0f s", query, note.job, state, wait)
            time.sleep(wait)
            waited += wait
            wait = min(2 * wait, self.polling.longest_wait_seconds)

    def _state(self, query: Query, note: Note) -> str:
        what, ask = f"batch job {note.job} for {query}", self.client.api.batch.get_job_details
        return _text(self.client.ask(what, lambda: ask(note.job or "")), "state", what)

    def _download(self, query: Query, note: Note, path: Path) -> Path:
        """Not by the client's own `batch.download`: it has no time-outs, goes on for ever, and only warns of a hash."""
        file = self._data_file(query, note)
        known = [file.sha256]

        def sha256() -> str:
            return known.pop() if known else self._data_file(query, note).sha256

        with self.client.downloads() as downloads:
            downloads.file(file.url, path, sha256, file.size_bytes, without_etag=True)
        return path

    def _data_file(self, query: Query, note: Note) -> _DataFile:
        what, ask = f"the files of batch job {note.job}", self.client.api.batch.list_files
        answer: Any = self.client.ask(what, lambda: ask(note.job or ""))
        if not isinstance(answer, list):
            raise self._strange(what, answer)
        try:
            files = [_data_file(entry) for entry in answer if entry["filename"].endswith(".dbn.zst")]
        except (AttributeError, KeyError, TypeError, ValueError):
            raise self._strange(what, answer) from None
        if len(files) != 1:
            raise BadFile(f"{query}: batch job {note.job} has {len(files)} data files where one belongs")
        return files[0]

    def _strange(self, what: str, answer: object) -> VendorUnavailable:
        return VendorUnavailable(f"{what}: the answer is no list: {self.client.shown(answer)[:200]}")


def _path(query: Query, folder: Path) -> Path:
    return folder / f"{query.schema}.job.json"


def _data_file(entry: Mapping[str, Any]) -> _DataFile:
    kind, _, digest = str(entry["hash"]).partition(":")
    url = str(entry["urls"]["https"])
    if kind != "sha256" or not url.startswith("https://"):
        raise ValueError(entry)
    return _DataFile(str(entry["filename"]), url, digest, int(entry["size"]))


def _is_of(query: Query, details: Any) -> bool:
    wanted = {**query.arguments, **_FORM, "symbols": query.symbol}
    try:
        times = [(parse_instant(details[name]), parse_instant(wanted[name])) for name in ("start", "end")]
        return all(details[name] == wanted[name] for name in _TOLD_OF) and all(a == b for a, b in times)
    except (KeyError, TypeError, ValueError):
        return False


def _text(answer: Any, field: str, what: str) -> str:
    found = answer.get(field) if isinstance(answer, dict) else None  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(found, str) or not found:
        raise VendorUnavailable(f"{what}: the answer has no {field}")
    return found
