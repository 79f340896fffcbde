"""Runs that meet: the same rectangle in many processes, on whichever database."""

import dataclasses

from market_data.ledger.ledger import Ledger
from market_data_tests.faults.audit import audit, recovered
from market_data_tests.faults.backfill import Backfill
from market_data_tests.faults.scenario import Figures, Size


def few(size: Size) -> Size:
    """Not more partitions than let every run meet the others at each."""
    return dataclasses.replace(size, days=min(size.days, 2), symbols=min(size.symbols, 2))


def meet(backfill: Backfill) -> Figures:
    """All runs at once: none hangs, nothing is made twice, and who was refused says so."""
    runs = [backfill.start(f"run-{number}") for number in range(backfill.size.runs)]
    for run in runs:
        run.end()
    refused = sum(bool(run.refused()) for run in runs)
    assert refused == sum(bool(run.process.returncode) for run in runs), "a run failed and did not say of what"
    count = audit(backfill, runs)
    ledger = Ledger(backfill.settings.database.get_secret_value())
    try:
        # A report says when its partition was first committed: who comes later writes another.
        once = [key for key in backfill.keys if key[0] != "quality_reports"]
        assert all(len(ledger.history(*key)) == 1 for key in once), "a partition was made twice"
    finally:
        ledger.close()
    words = f"nothing to recover: one revision each; {refused} of {len(runs)} runs were refused something, and said so"
    return count.figures(recovered(backfill), words)
