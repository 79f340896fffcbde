"""A process that materializes the same partition over and over, each time from other bytes, until it is killed."""

import sys
from pathlib import Path

from market_data.pipeline.chain import Failed, materialize
from market_data.pipeline.workspace import Outcome, opened
from market_data_tests.feeds import settings_of, simulated

TABLES = ("trades", "candles")


def main(folder: Path, first_seed: int, rounds: int, home: Path | str) -> None:
    """Print `ready` when the imports are done, and then `<table> <revision> <sha256>` for every new revision."""
    print("ready", flush=True)
    for seed in range(first_seed, first_seed + rounds):
        work = folder / f"config-{seed}"
        work.mkdir(exist_ok=True)
        options = {"seed": seed, "trades_per_day": {"AAA-USD": 60}}
        settings = settings_of(work, {"sim": simulated(symbols=["AAA-USD"], options=options)}, home=home)
        feed = settings.feeds["sim"]
        partition = feed.partition("AAA-USD", feed.start)
        with opened(settings, f"seed-{seed}") as workspace:
            for step in materialize(workspace, feed, partition, TABLES, (), refetch=True):
                if isinstance(step, Failed):
                    print("failed", step, flush=True)
                if isinstance(step, Outcome) and step.changed:
                    print(step.table, step.revision.revision, step.revision.sha256, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), *(sys.argv[4:] or [Path(sys.argv[1], "home")]))
