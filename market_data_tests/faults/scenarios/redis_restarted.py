"""Redis, which hands out the runs, is stopped in mid backfill, and started again."""

import time
from pathlib import Path

from market_data_tests.faults._desk import at_work
from market_data_tests.faults.scenario import Figures, Scenario, Size

_DOWN_SECONDS = 5


class RedisRestarted:
    name = "Redis restarted"
    how = "A desk; in the middle of two runs, while one waits, Redis (`appendonly yes`) is stopped for some seconds."

    def run(self, folder: Path, size: Size) -> Figures:
        with at_work(folder, size) as work:
            work.until_under_way()
            work.here.redis.stop()
            time.sleep(_DOWN_SECONDS)
            work.here.start_redis()
            work.until_ended()
            assert len(work.here.runs()) == len(work.backfill.feed.symbols), "a run was lost, or begun twice"
            return work.figures("runs go on, one that waits in Redis is kept, workers and daemon come back to it")


SCENARIO: Scenario = RedisRestarted()
