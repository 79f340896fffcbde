"""What the benches of a vendor's file share: made-up trades of a day, the file landed, and the way to the warehouse."""

import datetime as dt
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market_data.domain.time import NS_PER_DAY, day_start
from market_data.pipeline.fetch import land
from market_data.pipeline.ingest import ingest
from market_data.pipeline.workspace import opened
from market_data_tests.feeds import settings_of

DAY = dt.date(2024, 1, 15)
Ints, Floats = NDArray[np.int64], NDArray[np.float64]
_CHUNK = 1_000_000


def stanza(source: str, **options: Any) -> dict[str, Any]:
    """A feed of trades of Bitcoin on that day."""
    return {
        "source": source,
        "symbols": {"BTC-USDT": "BTCUSDT"},
        "tables": ["trades"],
        "start": DAY.isoformat(),
        "options": options,
    }


def trades(rows: int, ns_per_unit: int, digits: int) -> Iterator[tuple[np.random.Generator, Ints, Ints, Floats]]:
    """A day of trades, piece by piece: chance for the rest, running numbers, times, and prices that wander.

    Args:
        rows: how many trades.
        ns_per_unit: of the times, as 1,000 for microseconds.
        digits: of a price after its point.
    """
    random = np.random.default_rng(1)
    price = 40_000.0
    start, step = day_start(DAY) // ns_per_unit, NS_PER_DAY // ns_per_unit / rows
    for first in range(0, rows, _CHUNK):
        number = np.arange(first, min(first + _CHUNK, rows))
        prices = np.round(price + np.cumsum(random.normal(0, 0.5, len(number))), digits)
        price = float(prices[-1])
        yield random, number, start + (number * step).astype(np.int64), prices


def materialize(home: Path, stanza: dict[str, Any], file: Path) -> None:
    """Land the file in a new home and take it the whole way.

    Raises:
        SystemExit: not every record came through.
    """
    home.mkdir()
    settings = settings_of(home, {"bench": stanza})
    feed = settings.feeds["bench"]
    partition = feed.partition("BTC-USDT", DAY)
    with opened(settings) as workspace:
        land(workspace, feed, feed.request("trades", partition), [file])
        outcome = ingest(workspace, feed, "trades", partition)
    if not outcome.revision.account.adds_up or outcome.revision.account.rejected:
        raise SystemExit(f"the bench's own data did not pass: {outcome.revision.account}")


def ingesting(folder: Path, stanza: dict[str, Any], file: Path) -> Callable[[], None]:
    """What takes the landed file to the warehouse of a new home below the folder: `home-0`, then `home-1`, ..."""
    (folder / "landed").mkdir()
    settings = settings_of(folder / "landed", {"bench": stanza})
    feed = settings.feeds["bench"]
    partition = feed.partition("BTC-USDT", DAY)
    with opened(settings) as workspace:
        land(workspace, feed, feed.request("trades", partition), [file])
    homes = count()

    def work() -> None:
        fresh = settings.model_copy(update={"home": folder / f"home-{next(homes)}"})
        fresh.home.mkdir()
        (fresh.home / "landing").symlink_to(settings.landing, target_is_directory=True)
        with opened(fresh) as workspace:
            ingest(workspace, feed, "trades", partition)

    return work
