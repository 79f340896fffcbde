"""Whether configuration, home, disk and ledger are there and fit for the next day: what everything else stands on."""

import datetime as dt
import shutil
import tempfile
from collections.abc import Iterator, Mapping

from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from market_data.ledger.database import engine_of, shown
from market_data.ledger.migrations import HEAD
from market_data.ledger.schema import revisions, series
from market_data.ledger.upgrade import version
from market_data.operations.health._probe import DEGRADED, HEALTHY, UNHEALTHY, Probe, Scope, Verdict
from market_data.pipeline.workspace import Workspace
from market_data.settings import Feed
from market_data.settings.keyspace import full_on
from market_data.warehouse.file_checks import count_entries, lacking

_NAMED = "MARKET_DATA_HOME names it"
_RECENT_DAYS = 30
_MARGIN = 3
"""A table is staged twice while it is put in order, and a revision that is replaced is kept."""
_LEAST_BYTES = 1_000_000_000
"""Dagster's own events and logs need room too."""
_PUT_BACK = "put back the newest copy of it; what is in the warehouse since then is made again by new runs"


NOTICE = dt.timedelta(days=180)
"""How long before a feed has too many partitions this is told: its refusal stops every other feed as well."""


class _Configuration:
    needs = ()

    def look(self, scope: Scope) -> Iterator[Verdict]:
        feeds, path = scope.feeds, scope.settings.config_path
        words = f"{path} loads; feeds: {len(feeds)}" if scope.only is None else f"{path} has {scope.only}"
        yield Verdict("configuration", HEALTHY, words, figures={"feeds": [feed.name for feed in feeds]})
        yield from _nearly_full(scope)


def _nearly_full(scope: Scope) -> Iterator[Verdict]:
    limit = scope.settings.partitions_per_feed
    for feed in scope.feeds:
        day = full_on(feed, limit)
        if day is not None and day <= scope.now.date() + NOTICE:
            yield Verdict(
                f"configuration {feed.name}",
                DEGRADED,
                f"from {day} on it has more than {limit:,} partitions, and no configuration that holds it loads",
                "split its symbols over several feeds before that day, or raise MARKET_DATA_PARTITIONS_PER_FEED",
                figures={"full_on": day.isoformat(), "partitions_per_feed": limit},
            )


class _Home:
    needs = ("configuration",)

    def look(self, scope: Scope) -> Iterator[Verdict]:
        home = scope.settings.home
        if not home.exists():
            advice = "`market-data demo` and `market-data ingest` make it"
            yield Verdict("home", DEGRADED, f"nothing is at {home} yet ({_NAMED})", advice, bars=True)
            return
        try:
            with tempfile.TemporaryFile(dir=home) as file:
                file.write(b"written")
                file.flush()
        except OSError as error:
            advice = f"let this user ({_NAMED}) write there, or make room"
            yield Verdict("home", UNHEALTHY, f"{home} cannot be written: {error.strerror}", advice, bars=True)
            return
        yield Verdict("home", HEALTHY, f"{home} can be written")


class _Disk:
    needs = ("ledger",)

    def look(self, scope: Scope) -> Iterator[Verdict]:
        going_on = [feed for feed in scope.feeds if feed.end is None or feed.end >= scope.now.date()]
        day = sum(largest_day_bytes(scope.workspace, feed) for feed in going_on)
        free, needed = shutil.disk_usage(scope.settings.home).free, max(_MARGIN * day, _LEAST_BYTES)
        figures = {"free_bytes": free, "largest_day_bytes": day, "wanted_bytes": needed}
        words = f"{_gb(free)} are free; the largest recent day of the feeds that go on took {_gb(day)}"
        advice = f"make room: {_gb(needed)} let the next day be written ({_MARGIN} times that day, at least 1 GB)"
        if free < max(day, _LEAST_BYTES // 10):
            yield Verdict("disk", UNHEALTHY, words, advice, figures)
        elif free < needed:
            yield Verdict("disk", DEGRADED, words, advice, figures)
        else:
            yield Verdict("disk", HEALTHY, words, figures=figures)


def largest_day_bytes(workspace: Workspace, feed: Feed) -> int:
    """Return what the largest of the last days up to a feed's newest takes, its tables and its landed files."""
    c, s, ledger = revisions.c, series.c, workspace.ledger
    newest = ledger.all_rows(select(func.max(s.last_date)).where(s.feed == feed.name))[0][0]
    if newest is None:
        return 0
    recent = (c.feed == feed.name, c.date > newest - dt.timedelta(days=_RECENT_DAYS))
    days = ledger.rows(select(c.date, func.sum(c.size_bytes)).where(*recent).group_by(c.date))
    day, warehouse = max(days, key=lambda row: row[1])
    requests = (feed.request(table, feed.partition(symbol, day)) for table in feed.tables for symbol in feed.symbols)
    known = (each for request in requests for each in workspace.landing.known(request))
    return int(warehouse) + sum(each.file.size_bytes for each in known if each.counts)


def _gb(count: int) -> str:
    return f"{count / 1e9:,.2f} GB"


class _Ledger:
    needs = ("home",)

    def look(self, scope: Scope) -> Iterator[Verdict]:
        engine = engine_of(scope.settings.database.get_secret_value(), waits=False)
        is_file = engine.dialect.name == "sqlite"
        try:
            if is_file and not scope.settings.ledger.exists() and scope.settings.ledger_url is None:
                words = f"there is no {scope.settings.ledger} yet: nothing was collected"
                yield Verdict("ledger", DEGRADED, words, bars=True)
                return
            yield _ledger_judged(scope, engine, full=scope.full and is_file)
        except SQLAlchemyError as error:
            words = " ".join(str(error.__cause__ or error).split())
            yield Verdict("ledger", UNHEALTHY, f"{shown(engine.url)} cannot be read: {words}", _PUT_BACK, bars=True)
        finally:
            engine.dispose()


def _ledger_judged(scope: Scope, engine: Engine, *, full: bool) -> Verdict:
    name, found = shown(engine.url), version(engine)
    if found != HEAD:
        scope.workspace  # noqa: B018  opening it makes or upgrades the ledger, or says why it cannot
        what = f"was of version {found}, and is" if found else "was new, or of before there were versions, and is"
        return Verdict("ledger", DEGRADED, f"{name} {what} of version {HEAD} now")
    said = "ok"
    if full:
        with engine.connect() as connection:
            said = str(connection.execute(text("PRAGMA quick_check(1)")).scalar_one())
    if said != "ok":
        return Verdict("ledger", UNHEALTHY, f"{name} is damaged: {said}", _PUT_BACK, bars=True)
    if missing := lacking(engine):
        told = f"{name} lacks {', '.join(missing)}, which version {found} has"
        return Verdict("ledger", UNHEALTHY, told, _PUT_BACK, bars=True)
    count = count_entries(scope.workspace.ledger)
    return Verdict("ledger", HEALTHY, f"{name} names {count:,} partitions of tables", figures={"current": count})


PROBES: Mapping[str, Probe] = {
    "configuration": _Configuration(),
    "home": _Home(),
    "disk": _Disk(),
    "ledger": _Ledger(),
}
