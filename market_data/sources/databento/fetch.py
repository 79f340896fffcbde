"""The life of a download: published? clear? affordable? bought, counted, kept. How it is asked stands in `session`."""

import datetime as dt
import logging
from collections.abc import Sequence
from pathlib import Path

from market_data.domain.errors import BadFile, DamagedDownload, NotAvailable, NotYetAvailable
from market_data.domain.ports.source import FetchContext, Fetched
from market_data.sources.databento import facts, resolution
from market_data.sources.databento.answer import count
from market_data.sources.databento.batch import Jobs
from market_data.sources.databento.facts import Facts
from market_data.sources.databento.query import Query
from market_data.sources.databento.session import Session
from market_data.vendor_access.retry_policy import attempts

_PURCHASES = 2
"""A stream is billed from its first byte: one that came broken is bought once more and no oftener. A job is
bought once: only its count is asked for again."""
_log = logging.getLogger(__name__)


def fetch(session: Session, jobs: Jobs, queries: Sequence[Query], context: FetchContext) -> list[Fetched]:
    """Fetch one whole file a query into `workdir`, and beside them what the vendor says of the day and of the symbol.

    Files that an earlier try brought whole are not bought again; what is left of others is removed first, but for
    parts of a job's file, which are gone on with.

    Raises:
        NotYetAvailable, NotAvailable, UnclearSymbol, OverBudget: nothing was bought.
        DamagedDownload: what was bought came broken twice; nothing of it is left.
        VendorUnavailable, VendorRefused: what came whole before is kept.
    """
    workdir = context.workdir
    for remains in workdir.glob("*.zst.part"):
        remains.unlink()
    for query in queries:
        _must_be_published(session, query)
    condition = _condition(session, queries[0])
    meant = resolution.resolve(session, queries[0])
    records = {query: session.records(query) for query in queries}
    absent = [query for query in queries if not _is_whole(workdir / query.name, query, records[query])]
    for query in absent:
        records[query] = _buy(session, jobs, query, context, records[query])
    by_schema = {query.schema: count for query, count in records.items()}
    said = facts.write(Facts(condition.get("condition"), condition.get("last_modified_date"), by_schema), workdir)
    stands_for = resolution.write(meant, workdir)
    files = [Fetched(workdir / query.name, query.name, f"databento {query}") for query in queries]
    return [
        *files,
        Fetched(said, said.name, "databento metadata.get_dataset_condition and get_record_count"),
        Fetched(stands_for, stands_for.name, "databento symbology.resolve"),
    ]


def _must_be_published(session: Session, query: Query) -> None:
    day_end = dt.datetime.combine(query.day, dt.time(), dt.UTC) + dt.timedelta(days=1)
    start, end = session.available(query)
    if end < day_end:
        start, end = session.available(query, again=True)
    if end < day_end:
        raise NotYetAvailable(f"{query} is not available yet: Databento has it until {end:%Y-%m-%d %H:%M} UTC")
    if start >= day_end:
        raise NotAvailable(f"{query} is not to be had: what the key's account may have begins at {start:%Y-%m-%d}")


def _condition(session: Session, query: Query) -> dict[str, str | None]:
    entry = session.condition(query.dataset, query.day)
    condition = entry.get("condition")
    if condition == "pending":
        raise NotYetAvailable(f"{query} is not available yet: Databento calls the day pending")
    if condition not in ("available", None):
        _log.warning("%s: Databento calls the day %s", query, condition)
    return entry


def _buy(session: Session, jobs: Jobs, query: Query, context: FetchContext, records: int) -> int:
    """Return the file, whole, in the workdir, where it is only once it is; the count that it was held against."""
    by = _by_job if session.size_bytes(query) > jobs.above_bytes else _by_stream
    records = by(session, jobs, query, context, records)
    jobs.forget(query, context.workdir)
    _log.info("%s: %d records, %d bytes", query, records, (context.workdir / query.name).stat().st_size)
    return records


def _by_stream(session: Session, _: Jobs, query: Query, context: FetchContext, records: int) -> int:
    path = context.workdir / query.name
    part = path.with_name(f"{path.name}.part")
    for attempt in attempts(session.patience, DamagedDownload, _PURCHASES):
        with attempt:
            try:
                # A count that did not fit may have been the wrong one of the two.
                records = session.records(query) if attempt.num > 1 else records
                context.spend(session.cost_usd(query), str(query))
                session.download(query, part)
                _must_be_whole(part, query, records)
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
    return records


def _by_job(session: Session, jobs: Jobs, query: Query, context: FetchContext, records: int) -> int:
    """Fetch by a batch job.

    One is not ordered anew because the count does not fit: it is paid, and its download is free.
    """

    def pay() -> None:
        context.spend(session.cost_usd(query), str(query))

    came = jobs.bring(query, context.workdir, pay)
    try:
        for attempt in attempts(session.patience, DamagedDownload, _PURCHASES):
            with attempt:
                records = session.records(query) if attempt.num > 1 else records
                _must_be_whole(came, query, records)
        came.replace(context.workdir / query.name)
    finally:
        came.unlink(missing_ok=True)
    return records


def _is_whole(path: Path, query: Query, records: int) -> bool:
    if not path.exists():
        return False
    try:
        _must_be_whole(path, query, records)
    except DamagedDownload:
        path.unlink()
        return False
    return True


def _must_be_whole(path: Path, query: Query, records: int) -> None:
    try:
        found = count(path, query)
    except BadFile as error:
        raise DamagedDownload(f"{query}: what came {error}; nothing of it was kept") from error
    if found != records:
        raise DamagedDownload(f"{query}: {found} records came, and Databento counts {records}; nothing of it was kept")
