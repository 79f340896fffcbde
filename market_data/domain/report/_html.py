"""Small pieces of HTML and words that the sections share. Whatever comes from data goes through `esc` here."""

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from html import escape

DASH = "\N{EN DASH}"
DOT = " \N{MIDDLE DOT} "
"""Between facts of one line."""
ARROW = "\N{RIGHTWARDS ARROW}"
MINUS = "\N{MINUS SIGN}"
_THOUSAND = 1_000
GRAVE = {"critical": 0, "error": 1, "warning": 2, "info": 3}
"""The gravest first."""


def esc(value: object) -> str:
    """Return text for an element or an attribute."""
    return escape(str(value), quote=True)


def anchor(*parts: str) -> str:
    """Return the id of a section. Names of feeds and symbols are safe already, whatever else comes is made so."""
    return "-".join(re.sub(r"[^A-Za-z0-9._-]", "_", part) for part in parts)


def table(classes: str, headings: Sequence[str], rows: Iterable[str]) -> str:
    """Return a table; a heading that ends in `#` is of a column of numbers. Rows are `tr` elements."""
    heads = "".join(
        f'<th scope="col"{" class=n" if name.endswith("#") else ""}>{esc(name.rstrip("#"))}</th>' for name in headings
    )
    return f'<table class="{classes}"><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def percent(score: float | None) -> str:
    """Return a score as a whole or a tenth of a percent; 100 only if it is 1, cut and never rounded up."""
    if score is None:
        return DASH
    return "100" if score >= 1 else f"{int(score * _THOUSAND + 1e-6) / 10:.1f}"


def number(value: float | None) -> str:
    """Return a figure for people."""
    return DASH if value is None else f"{value:,.10g}"


def day(date: dt.date) -> str:
    """Return a day for people, such as `15 Jan 2024`."""
    return f"{date.day} {date:%b %Y}"


def instant(moment: dt.datetime) -> str:
    """Return an instant for people."""
    return f"{day(moment.date())} {moment:%H:%M} UTC"


def size(count: float) -> str:
    """Return bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < _THOUSAND:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= _THOUSAND
    return f"{count:.1f} TB"


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return a count and its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def more(count: int, noun: str) -> str:
    """Return what a list does not show, where it does not show all."""
    return f'<p class="faint">{counted(count, f"more {noun}")} not listed here.</p>' if count > 0 else ""


def severity(name: str) -> str:
    """Return a severity, its shape besides its colour."""
    return f'<span class="sev {esc(name)}">{esc(name)}</span>'
