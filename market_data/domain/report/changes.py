"""What is new, replaced, better and worse since the last report."""

from collections.abc import Sequence

from market_data.domain.report._html import ARROW, MINUS, anchor, counted, day, esc, instant, more, percent, table
from market_data.domain.report.model import Changes, FeedReport, Moved

_MOST_CHANGES = 20


def changes(feed: FeedReport) -> str:
    """Return what is new, replaced, better and worse since the last report."""
    if feed.changes is None:
        return "<p>This is the first report of this feed: the next one tells what changed since.</p>"
    found = feed.changes
    said = [f"Since the report of {instant(found.since)}"]
    added = ", ".join(f"{esc(name)} {count:,}" for name, count in sorted(found.added.items()))
    parts = [f"<p>{said[0]}: {_summary(found)}.</p>"]
    if added:
        parts.append(f"<p>New partitions by table: {added}.</p>")
    if found.new_days:
        parts.append(
            f"<p>No report has shown {counted(found.new_days, 'day')} of these before; they are not compared.</p>"
        )
    return "".join((*parts, _moved(feed, found.moved), _replaced(feed, found)))


def _summary(found: Changes) -> str:
    if not (found.moved or found.replaced or found.added):
        return "nothing changed"
    up = sum((each.after or 0) > (each.before or 0) for each in found.moved)
    replaced = counted(len(found.replaced), "revision was superseded", "revisions were superseded")
    new = counted(sum(found.added.values()), "partition is new", "partitions are new")
    return f"{counted(up, 'score')} went up, {len(found.moved) - up:,} down, {replaced}, {new}"


def _moved(feed: FeedReport, moved: Sequence[Moved]) -> str:
    if not moved:
        return ""
    ordered = sorted(moved, key=lambda each: (-abs((each.after or 0) - (each.before or 0)), each.date, each.symbol))
    rows = [
        f'<tr><td><a href="#{anchor(feed.name, each.symbol)}">{esc(each.symbol)}</a></td><td>{day(each.date)}</td>'
        f"<td class=n>{percent(each.before)}</td><td class=n>{percent(each.after)}</td>"
        f"<td class=n>{_change(each)}</td></tr>"
        for each in ordered[:_MOST_CHANGES]
    ]
    heads = ("symbol", "day", "score before#", "now#", "change#")
    return table("moved", heads, rows) + more(len(moved) - _MOST_CHANGES, "score")


def _change(each: Moved) -> str:
    change = ((each.after or 0) - (each.before or 0)) * 100
    word, sign = (
        ("up", "\N{BLACK UP-POINTING TRIANGLE} +")
        if change > 0
        else ("down", f"\N{BLACK DOWN-POINTING TRIANGLE} {MINUS}")
    )
    return f'<span class="{word}">{sign}{abs(change):.1f}</span>'


def _replaced(feed: FeedReport, found: Changes) -> str:
    if not found.replaced:
        return ""
    ordered = sorted(found.replaced, key=lambda each: (each.committed_at, each.table), reverse=True)
    rows = [
        f'<tr><td>{esc(each.table)}</td><td><a href="#{anchor(feed.name, each.symbol)}">{esc(each.symbol)}</a></td>'
        f"<td>{day(each.date)}</td><td class=n>{each.revision_before} {ARROW} {each.revision}</td>"
        f"<td class=n>{each.rows_before:,} {ARROW} {each.rows:,}</td>"
        f"<td>{instant(each.committed_at)}</td></tr>"
        for each in ordered[:_MOST_CHANGES]
    ]
    heads = ("table", "symbol", "day", "revision#", "rows#", "replaced at")
    return table("replaced", heads, rows) + more(len(ordered) - _MOST_CHANGES, "superseded revision")
