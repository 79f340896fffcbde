"""Pages that are followed to the letter: their files written, their commands run, what they promise compared.

On a page, a fence after a line that ends in "`path`:" is that file; if it is a `diff`, it changes what is there.
A `sh` fence is run from the project's root. A `text` fence is what the commands before it print.
"""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

_NAMED = re.compile(r"`([^`\s]+\.[a-z]+)`:?$")
_SECONDS = 240


@dataclass(frozen=True, slots=True)
class Fence:
    """One fence of a page: its language, its text, and the file that the line before it names."""

    language: str
    text: str
    path: str | None


def fences(page: Path) -> Iterator[Fence]:
    """The fences of a page, in order."""
    before = ""
    for token in MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8")):
        if token.type == "inline":
            before = token.content
        elif token.type == "fence":
            named = _NAMED.search(before)
            yield Fence(token.info, token.content, named[1] if named else None)
            before = ""


def follow(page: Path, root: Path) -> list[Path]:
    """Do what a page says in a copy of the project; the files that it wrote.

    Raises:
        AssertionError: a command failed, or did not print what the page promises.
    """
    written: list[Path] = []
    printed = ""
    for fence in fences(page):
        if fence.language == "sh":
            printed = _run(fence.text, root)
        elif fence.language == "text":
            assert fence.text.rstrip("\n") in printed, f"{fence.text}\nis promised, and this was printed:\n{printed}"
        elif fence.path is not None:
            written.append(_write(fence, root / fence.path))
    return written


def _write(fence: Fence, path: Path) -> Path:
    if fence.language == "diff":
        path.write_text(_changed(path.read_text(encoding="utf-8"), fence.text), encoding="utf-8")
    else:
        assert not path.exists(), f"{path} is there already: the page needs another example"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(fence.text, encoding="utf-8")
    return path


def _changed(text: str, diff: str) -> str:
    lines = diff.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -")
    after = "".join(line[1:] for line in lines if line[0] in " +")
    assert text.count(before) == 1, f"stands there {text.count(before)} times:\n{before}"
    return text.replace(before, after)


def _run(commands: str, root: Path) -> str:
    """What the commands print to standard output. Each must succeed; what they leave running is ended."""
    output = root / "printed"
    with output.open("wb") as printed, (root / "told").open("wb") as told:
        shell = subprocess.Popen(
            ["bash", "-euc", commands],
            cwd=root,
            env=_environment(root),
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=told,
            start_new_session=True,
        )
        try:
            failed = shell.wait(_SECONDS)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
    text = output.read_text(encoding="utf-8")
    assert not failed, f"{commands}\n{text}\n{(root / 'told').read_text(encoding='utf-8')}"
    return text


def _environment(root: Path) -> dict[str, str]:
    """A plain shell's, in which the copy of the package comes before the installed one."""
    ours = ("MARKET_DATA_", "DAGSTER_", "PYTEST_")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**plain, "PYTHONPATH": str(root)}
