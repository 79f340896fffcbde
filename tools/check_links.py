"""Finds dead links and anchors in the project's Markdown. Links to other sites are not fetched."""

import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/**/*.md")
MARKDOWN = MarkdownIt("commonmark").enable("table")


class _Html(HTMLParser):
    """The anchors that a piece of raw HTML sets, and the addresses it points to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.anchors: list[str] = []
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.anchors += [value for name, value in attrs if value and name in {"id", "name"}]
        self.links += [value for name, value in attrs if value and name in {"href", "src"}]


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading: lower case, no punctuation, a hyphen for each space."""
    kept = (c for c in heading.strip().lower() if c in "-_ " or unicodedata.category(c)[0] in "LMN")
    return "".join(kept).replace(" ", "-")


def parts(tokens: list[Token]) -> Iterator[tuple[int, Token]]:
    """Blocks and what stands in them, each with its line, from 1."""
    line = 1
    for block in tokens:
        line = block.map[0] + 1 if block.map else line
        yield line, block
        here = line
        for part in block.children or []:
            here += part.type in {"softbreak", "hardbreak"}
            yield here, part


@cache
def anchors(page: Path) -> frozenset[str]:
    """Everything that a fragment may name on a page."""
    tokens = MARKDOWN.parse(page.read_text(encoding="utf-8"))
    found = {name for _, t in parts(tokens) if t.type.startswith("html") for name in _Html(t.content).anchors}
    times: Counter[str] = Counter()
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            text = "".join(c.content for c in inline.children or [] if c.type in {"text", "code_inline"})
            name = slug(text)
            found.add(f"{name}-{times[name]}" if times[name] else name)
            times[name] += 1
    return frozenset(found)


def links(page: Path) -> Iterator[tuple[int, str]]:
    """Every address on a page, with its line."""
    for line, token in parts(MARKDOWN.parse(page.read_text(encoding="utf-8"))):
        if token.type.startswith("html"):
            yield from ((line, link) for link in _Html(token.content).links)
        elif address := token.attrGet("href") or token.attrGet("src"):
            yield line, str(address)


def is_dead(page: Path, link: str) -> bool:
    """Whether a link from this page leads nowhere in the repository."""
    address = urlsplit(link)
    if address.scheme or address.netloc:
        return False
    path = unquote(address.path)
    target = (ROOT / path.lstrip("/") if path.startswith("/") else page.parent / path) if path else page
    target = target.resolve()
    if not target.exists() or not target.is_relative_to(ROOT):
        return True
    fragment = unquote(address.fragment)
    return bool(fragment) and target.suffix == ".md" and fragment not in anchors(target)


def main() -> int:
    """Prints file:line of each dead link; 1 if there is one."""
    pages = sorted({page for pattern in PAGES for page in ROOT.glob(pattern)})
    dead = [f"{p.relative_to(ROOT)}:{n}: {link}" for p in pages for n, link in links(p) if is_dead(p, link)]
    print("\n".join(dead) or f"Links: {len(pages)} pages, none dead.")
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
