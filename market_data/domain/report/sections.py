"""Sections of a feed in a report: scores, worst partitions, quarantine, totals. No page, no style."""

import datetime as dt
from collections.abc import Sequence

from market_data.domain.quality import DIMENSIONS
from market_data.domain.report._html import (
    DASH,
    DOT,
    GRAVE,
    anchor,
    counted,
    day,
    esc,
    more,
    number,
    percent,
    severity,
    size,
    table,
)
from market_data.domain.report.heat import step
from market_data.domain.report.model import Cell, Fault, FeedReport, SetAside
from market_data.domain.report.words import example, in_words

_MOST_PARTITIONS = 15
_MOST_NAMES = 8


def scores(feed: FeedReport) -> str:
    """Return a tile for the whole and each dimension: mean, bar, and how many partitions lie below the threshold."""
    return f'<div class="tiles">{"".join(_tile(feed, name) for name in ("whole", *DIMENSIONS))}</div>'


def _tile(feed: FeedReport, name: str) -> str:
    mean, threshold = feed.mean(name), feed.standard.get(name)
    below = sum((score := cell.scores.get(name)) is not None and score < (threshold or 0) for cell in feed.cells)
    failed = sum(not cell.passed for cell in feed.judged)
    if mean is None:
        said = "nothing was judged"
    elif threshold is None:
        said = f"{counted(failed, 'partition')} of {len(feed.judged):,} below a threshold" if failed else "all pass"
    else:
        said = f"{below:,} below {percent(threshold)}" if below else f"none below {percent(threshold)}"
    line = f'<b style="left:{threshold:.2%}"></b>' if threshold is not None else ""
    bar = f'<div class="bar"><i class="h{step(mean or 0)}" style="width:{mean or 0:.2%}"></i>{line}</div>'
    return f'<div class="tile"><h4>{name}</h4><p class="big">{percent(mean)}</p>{bar}<p>{said}</p></div>'


def totals(feed: FeedReport) -> str:
    """Return partitions, rows and bytes by table."""
    rows = [
        f"<tr><td>{esc(each.table)}</td><td class=n>{each.partitions:,}</td><td class=n>{each.rows:,}</td>"
        f"<td class=n>{size(each.size_bytes)}</td></tr>"
        for each in feed.totals
    ]
    return table("totals", ("table", "partitions#", "rows#", "size#"), rows)


def worst(feed: FeedReport) -> str:
    """Return partitions that have findings that do not pass, the lowest score first."""
    by_partition = _by_partition(feed.faults)
    cells = [cell for cell in feed.cells if cell.not_passed or (cell.whole is not None and not cell.passed)]
    if not cells:
        return '<p class="good">Every finding of every partition passes.</p>' if feed.judged else _NOT_JUDGED
    cells.sort(key=lambda cell: (2 if cell.whole is None else cell.whole, -cell.not_passed, cell.date, cell.symbol))
    rows = "".join(
        _bad(feed, cell, by_partition.get((cell.symbol, cell.date), [])) for cell in cells[:_MOST_PARTITIONS]
    )
    heads = ("check", "of", "severity", "measured#", "threshold#", "what was found")
    head = table("worst", heads, ()).removesuffix("<tbody></tbody></table>")
    return f"{head}{rows}</table>{more(len(cells) - _MOST_PARTITIONS, 'partition')}"


_NOT_JUDGED = "<p>No partition of these days was judged.</p>"


def _by_partition(faults: Sequence[Fault]) -> dict[tuple[str, dt.date], list[Fault]]:
    found: dict[tuple[str, dt.date], list[Fault]] = {}
    for fault in faults:
        found.setdefault((fault.symbol, fault.date), []).append(fault)
    return found


def _bad(feed: FeedReport, cell: Cell, faults: Sequence[Fault]) -> str:
    parts = DOT.join(f"{name} {percent(cell.scores.get(name))}" for name in DIMENSIONS)
    whole = f'<span class="chip h{step(cell.whole)}">{percent(cell.whole)}</span>' if cell.whole is not None else DASH
    head = (
        f'<tr class="head"><th scope="rowgroup" colspan="6">{whole}<a href="#{anchor(feed.name, cell.symbol)}">'
        f"{esc(cell.symbol)}</a> {day(cell.date)} <small>{parts}</small></th></tr>"
    )
    ordered = sorted(faults, key=lambda fault: (GRAVE[fault.severity], fault.check, fault.table))
    rows = "".join(_found(fault) for fault in ordered)
    return f"<tbody>{head}{rows}</tbody>"


def _found(fault: Fault) -> str:
    unit = fault.detail.get("unit", "")
    shown = example(fault.detail)
    first = f"<br><small>first: {esc(shown)}</small>" if shown else ""
    measured = f"{number(fault.measured)} {esc(unit)}" if fault.measured is not None else DASH
    return (
        f"<tr><td>{esc(fault.check)}</td><td>{esc(fault.table)}</td><td>{severity(fault.severity)}</td>"
        f"<td class=n>{measured}</td><td class=n>{number(fault.threshold)}</td>"
        f"<td>{esc(in_words(fault.detail))}{first}</td></tr>"
    )


def quarantine(groups: Sequence[SetAside]) -> str:
    """Return what was set aside and why, with the first record of each rule."""
    if not groups:
        return '<p class="good">No record of these days stands in quarantine.</p>'
    rows = [
        f"<tr><td>{esc(each.table)}</td><td>{esc(each.rule)}</td><td class=n>{each.records:,}"
        f"{f'<small> {each.dropped:,} dropped</small>' if each.dropped else ''}</td><td class=n>{each.days:,}</td>"
        f"<td>{esc(_few(each.symbols))}</td>"
        f"<td>{esc(each.reason)}<br><code>{esc(each.original)}</code><br><small>{esc(each.place)}</small></td></tr>"
        for each in groups
    ]
    return table(
        "aside", ("table", "rule", "records#", "days#", "symbols", "the first: why, its words, its place"), rows
    )


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
