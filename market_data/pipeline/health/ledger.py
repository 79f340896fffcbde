"""Whether the ledger answers and has its relations."""

from collections.abc import Iterator

from sqlalchemy import create_engine, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from market_data.pipeline.health._probe import DEGRADED, HEALTHY, UNHEALTHY, Probe, Scope, Verdict
from market_data.warehouse.schema import revisions
from market_data.warehouse.survey import lacking


class _Ledger:
    needs = ("home",)

    def look(self, scope: Scope) -> Iterator[Verdict]:
        path, elsewhere = scope.settings.ledger, scope.settings.ledger_url
        if elsewhere is None and not path.exists():
            yield Verdict("ledger", DEGRADED, f"there is no {path} yet: nothing was collected", bars=True)
            return
        engine = create_engine(elsewhere.get_secret_value() if elsewhere else f"sqlite:///{path}")
        is_sqlite = engine.dialect.name == "sqlite"
        try:
            missing = lacking(engine)
            with engine.connect() as connection:
                said = (
                    connection.execute(text("PRAGMA quick_check(1)")).scalar_one() if scope.full and is_sqlite else "ok"
                )
        except SQLAlchemyError as error:
            words = " ".join(str(error.__cause__ or error).split())
            advice = "put back the newest copy of it; what is in the warehouse since then is made again by new runs"
            yield Verdict("ledger", UNHEALTHY, f"{path} cannot be read: {words}", advice, bars=True)
            return
        finally:
            engine.dispose()
        yield _judged(scope, missing, str(said))


def _judged(scope: Scope, missing: list[str], said: str) -> Verdict:
    path, columns = scope.settings.ledger, [name for name in missing if "." in name]
    if columns or said != "ok":
        told = f"{path} lacks {', '.join(columns)}" if columns else f"{path} is damaged: {said}"
        advice = "it was made by another version of market-data" if columns else "put back the newest copy of it"
        return Verdict("ledger", UNHEALTHY, told, advice, bars=True)
    if missing:
        scope.workspace  # noqa: B018  opening it makes them
        return Verdict("ledger", DEGRADED, f"{path} lacked {', '.join(missing)}: an older version made it; added now")
    ((count,),) = scope.workspace.ledger.rows(select(func.count(revisions.c.id)))
    return Verdict("ledger", HEALTHY, f"{path} names {count:,} partitions of tables", figures={"current": count})


PROBE: Probe = _Ledger()
