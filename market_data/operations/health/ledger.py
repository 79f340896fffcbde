"""Whether the ledger answers and is what this code expects."""

from collections.abc import Iterator

from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from market_data.ledger.database import engine_of, shown
from market_data.ledger.migrations import HEAD
from market_data.ledger.schema import revisions
from market_data.ledger.upgrade import version
from market_data.operations.health._probe import DEGRADED, HEALTHY, UNHEALTHY, Probe, Scope, Verdict
from market_data.warehouse.file_checks import lacking

_PUT_BACK = "put back the newest copy of it; what is in the warehouse since then is made again by new runs"


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
            yield _judged(scope, engine, full=scope.full and is_file)
        except SQLAlchemyError as error:
            words = " ".join(str(error.__cause__ or error).split())
            yield Verdict("ledger", UNHEALTHY, f"{shown(engine.url)} cannot be read: {words}", _PUT_BACK, bars=True)
        finally:
            engine.dispose()


def _judged(scope: Scope, engine: Engine, *, full: bool) -> Verdict:
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
    ((count,),) = scope.workspace.ledger.rows(select(func.count(revisions.c.id)))
    return Verdict("ledger", HEALTHY, f"{name} names {count:,} partitions of tables", figures={"current": count})


PROBE: Probe = _Ledger()
