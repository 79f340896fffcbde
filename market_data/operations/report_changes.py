"""What changed since the last report of a feed, and the small file that remembers when which of its days was shown.

Only times are kept: what counted then, the ledger knows.
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from market_data.domain.errors import ConfigurationError
from market_data.domain.report import Changes, FeedReport, Moved, Replaced
from market_data.domain.tables.quality_reports import TABLE as REPORTS
from market_data.domain.time import days_between, to_datetime
from market_data.ledger.revision import Revision
from market_data.ledger.schema import revisions
from market_data.pipeline.workspace import Workspace
from market_data.storage.files import make_folder, write_atomic

Shown = Mapping[dt.date, int]
"""By day, when the last report that showed it was made, ns since the epoch, UTC."""


def changes(workspace: Workspace, feed: str, now: Sequence[Revision]) -> Changes | None:
    """Return what differs between what counts now and what counted when each day was last shown.

    None at the first time.

    Args:
        now: the current revisions of the feed's days that are shown.
    """
    shown = last_shown(workspace, feed)
    if not shown:
        return None
    days = {each.partition.date for each in now}
    before = {_key(each): each for each in _before(workspace, feed, {day: shown[day] for day in days if day in shown})}
    compared = [each for each in now if each.partition.date in shown]
    replaced = [
        _replaced(old, each)
        for each in compared
        if (old := before.get(_key(each))) and old.revision != each.revision and each.table != REPORTS.name
    ]
    added = dict(Counter(each.table for each in compared if _key(each) not in before))
    since = max((shown[day] for day in days if day in shown), default=max(shown.values()))
    moved = list(_moved(before, compared))
    return Changes(to_datetime(since), replaced, moved, added, len(days - shown.keys()))


def _before(workspace: Workspace, feed: str, shown: Shown) -> Iterator[Revision]:
    """Yield what counted when each of the days was shown."""
    for at in sorted(set(shown.values())):
        days = [day for day, made in shown.items() if made == at]
        with suppress(ConfigurationError):  # history ended since: there is nothing to tell
            number = workspace.ledger.as_of(to_datetime(at))
            yield from _counted(workspace, feed, days, number)


def _counted(workspace: Workspace, feed: str, days: Sequence[dt.date], as_of: int) -> Iterator[Revision]:
    """Yield what counted of a feed's days right after a commit."""
    c = revisions.c
    wanted = set(days)
    for each in workspace.ledger.find(c.feed == feed, c.date.between(min(days), max(days)), as_of=as_of):
        if each.partition.date in wanted:
            yield each


def _key(revision: Revision) -> tuple[Any, ...]:
    return revision.table, revision.partition


def _replaced(old: Revision, new: Revision) -> Replaced:
    partition = new.partition
    return Replaced(
        new.table, partition.symbol, partition.date, old.revision, new.revision, old.rows, new.rows, new.committed_at
    )


def _moved(before: Mapping[tuple[Any, ...], Revision], now: Iterable[Revision]) -> Iterator[Moved]:
    for each in now:
        if each.table == REPORTS.name and (old := before.get(_key(each))) is not None:
            was, is_ = _whole(old), _whole(each)
            if was != is_:
                yield Moved(each.partition.symbol, each.partition.date, was, is_)


def _whole(report: Revision) -> float | None:
    return report.notes.get("scores", {}).get("whole")


def remember(workspace: Workspace, feed: FeedReport, made_ns: int) -> None:
    """Note that these days of the feed were shown; other days keep their times."""
    shown = {**last_shown(workspace, feed.name), **dict.fromkeys(days_between(feed.first, feed.last), made_ns)}
    path = _path(workspace, feed.name)
    make_folder(path.parent)
    text = json.dumps({"shown": {day.isoformat(): at for day, at in sorted(shown.items())}}, indent=0)
    write_atomic(path, text.encode())


def last_shown(workspace: Workspace, feed: str) -> Shown:
    """Return when the feed's days were last shown; nothing where no report was made.

    A file that cannot be read is as none.
    """
    with suppress(FileNotFoundError, ValueError, KeyError, AttributeError, TypeError):
        kept = json.loads(_path(workspace, feed).read_bytes())["shown"]
        return {dt.date.fromisoformat(day): int(at) for day, at in kept.items()}
    return {}


def _path(workspace: Workspace, feed: str) -> Path:
    return workspace.settings.home / "reports" / f"{feed}.json"
