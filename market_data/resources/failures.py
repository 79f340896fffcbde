"""Errors of the pipeline as Dagster failures: only here it is said what Dagster may try again."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from market_data.domain.errors import NotYetAvailable, is_transient

if TYPE_CHECKING:
    from market_data.pipeline.chain import Failed

_NAMED = 20


def _soon(error: Exception) -> bool:
    """A day that is not published yet comes in hours: the next run fetches it, a retry in minutes does not."""
    return is_transient(error) and not isinstance(error, NotYetAvailable)


def failure_of(failed: Sequence["Failed"], attempted: int) -> dg.Failure:
    """One failure that names every bad partition of a run; worth a retry if any of them may come right by itself.

    What was good is recorded already and is not made again by a retry, since landing and the ledger know it.
    """
    bad = {str(failure.partition) for failure in failed}
    lines = [str(failure) for failure in failed[:_NAMED]]
    if len(failed) > _NAMED:
        lines.append(f"... and {len(failed) - _NAMED} more")
    return dg.Failure(
        description=f"{len(bad)} of {attempted} partitions failed, the others are done.\n" + "\n".join(lines),
        metadata={"failed_partitions": len(bad), "attempted_partitions": attempted},
        allow_retries=any(_soon(failure.error) for failure in failed),
    )
