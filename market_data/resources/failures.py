"""Errors of the pipeline as Dagster failures: only here it is said what Dagster may try again."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg

from market_data.domain.errors import MarketDataError, NotYetAvailable, is_transient, ours

if TYPE_CHECKING:
    from market_data.pipeline.chain import Failed

_NAMED = 20


def _soon(error: Exception) -> bool:
    """Return a day that is not published yet comes in hours: the next run fetches it, a retry in minutes does not."""
    return is_transient(error) and not isinstance(error, NotYetAvailable)


@contextmanager
def bugs_are_told() -> Generator[None]:
    """Give what is not of the project's own tree is a bug, which no retry mends.

    An error of the tree comes here where it concerns no single partition: a ledger that cannot be opened.

    Raises:
        Failure: of this op; it says whether it may be tried again.
        DagsterExecutionInterruptedError: Dagster's own storage failed. The run ends as one whose process died does,
            and run retries take it up, from what was recorded.
    """
    try:
        yield
    except (dg.Failure, dg.RetryRequested):
        raise
    except (MarketDataError, OSError) as error:
        told = ours(error)
        raise dg.Failure(str(told), allow_retries=_soon(told)) from error
    except Exception as error:
        if (cause := _storage_error(error)) is not None:
            raise dg.DagsterExecutionInterruptedError(f"Dagster's own storage failed: {cause}") from error
        raise dg.Failure(f"a bug: {type(error).__name__}: {error}", allow_retries=False) from error


def _storage_error(error: Exception) -> Exception | None:
    """Return what Dagster's database said, where it is that: the ledger's errors are of the project's tree already."""
    from sqlalchemy.exc import InterfaceError, OperationalError  # noqa: PLC0415  whoever raises them has loaded them

    # dagster-postgres has an error of its own for a server that it could not reach, after some attempts.
    return next(
        (each for each in (error, error.__cause__) if isinstance(each, InterfaceError | OperationalError)), None
    )


def _by_cause(failed: Sequence["Failed"]) -> Iterator[str]:
    """Yield a line a failure; what many failed of in the same words, a vendor that is down, is said once."""
    by_words: dict[str, list[Failed]] = {}
    for failure in failed:
        by_words.setdefault(str(failure.error), []).append(failure)
    for words, alike in by_words.items():
        first, last = alike[0], alike[-1]
        if len(alike) == 1:
            yield str(first)
        else:
            span = f"{first.table} {first.partition} to {last.table} {last.partition}"
            yield f"{len(alike)} times, {span}: {words}"


def failure_of(failed: Sequence["Failed"], attempted: int, *, may_retry: bool = True) -> dg.Failure:
    """Return one failure that names every bad partition of a run.

    Worth a retry if any of them may come right by itself.

    What was good is recorded already and is not made again by a retry, since landing and the ledger know it.
    """
    bad = {str(failure.partition) for failure in failed}
    lines = [*_by_cause(failed)]
    if len(lines) > _NAMED:
        lines[_NAMED:] = [f"... and {len(lines) - _NAMED} more"]
    return dg.Failure(
        description=f"{len(bad)} of {attempted} partitions failed, the others are done.\n" + "\n".join(lines),
        metadata={"failed_partitions": len(bad), "attempted_partitions": attempted},
        allow_retries=may_retry and any(_soon(failure.error) for failure in failed),
    )
