"""The page: head, feeds, sections in their order. What a section says stands in `sections`, how it looks in `style`."""

from market_data.domain.report import sections
from market_data.domain.report._html import DOT, anchor, counted, day, esc, instant
from market_data.domain.report.changes import changes
from market_data.domain.report.heat import heat_map
from market_data.domain.report.model import FeedReport, Report
from market_data.domain.report.style import STYLE
from market_data.domain.report.symbols import symbols


def page(report: Report) -> str:
    """Return one self-contained HTML page: no network and no script; light or dark as the reader's system is."""
    title = f"Data quality: {', '.join(feed.name for feed in report.feeds)}"
    body = "".join(_feed(feed) for feed in report.feeds)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{esc(title)}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><style>{STYLE}</style></head>\n'
        f"<body><main>{_head(report)}{body}</main></body></html>\n"
    )


def _head(report: Report) -> str:
    links = "".join(f'<li><a href="#{anchor(feed.name)}">{esc(feed.name)}</a></li>' for feed in report.feeds)
    nav = f"<nav><ul>{links}</ul></nav>" if len(report.feeds) > 1 else ""
    left_out = f"<p>Nothing is there of {esc(', '.join(report.left_out))}.</p>" if report.left_out else ""
    return (
        f'<header class="top"><h1>Data quality</h1><p>Made {instant(report.made_at)} by {esc(report.made_by)}. '
        f"Scores run from 0 to 100; days are UTC.</p>{left_out}{nav}</header>"
    )


def _feed(feed: FeedReport) -> str:
    name = anchor(feed.name)
    parts = (
        ("Calendar", "calendar", heat_map(feed)),
        ("Worst partitions", "worst", sections.worst(feed)),
        ("Set aside", "aside", sections.quarantine(feed.set_aside)),
        ("Since the last report", "changes", changes(feed)),
        ("What is there", "totals", sections.totals(feed)),
    )
    body = "".join(f'<section id="{name}--{part}"><h3>{words}</h3>{text}</section>' for words, part, text in parts)
    return (
        f'<article class="feed" id="{name}"><h2>{esc(feed.name)}</h2>{_about(feed)}{sections.scores(feed)}{body}'
        f"{''.join(symbols(feed))}</article>"
    )


def _about(feed: FeedReport) -> str:
    missing = sum(cell.state == "missing" for cell in feed.cells)
    expected = sum(cell.state != "no_session" for cell in feed.cells)
    facts = [
        f"{day(feed.first)} to {day(feed.last)}",
        f"source {esc(feed.source)}",
        counted(len(feed.symbols), "symbol"),
    ]
    facts.append(f"{expected - missing:,} of {counted(expected, 'partition')} there")
    facts.append(f"{sum(each.rows for each in feed.totals):,} rows")
    facts.append(f"{counted(sum(cell.set_aside for cell in feed.cells), 'record')} set aside")
    description = f"<p>{esc(feed.description)}</p>" if feed.description else ""
    remark = f'<p class="remark">{esc(feed.remark)}</p>' if feed.remark else ""
    return f'{description}<p class="facts">{DOT.join(facts)}</p>{remark}'
