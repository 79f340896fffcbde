"""What several commands need: an open workspace, consoles, figures for people, words of the command line."""

import datetime as dt
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from market_data.domain.errors import ConfigurationError, MarketDataError

if TYPE_CHECKING:
    from rich.console import Console

    from market_data.pipeline.workspace import Workspace


FeedName = Annotated[str, typer.Argument(help="A feed of the feeds file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Say it as JSON.")]


class CommandFailed(MarketDataError):
    """A command could not do what it was asked; `kind` is its name in JSON."""

    def __init__(self, message: str, kind: str = "Failed") -> None:
        super().__init__(message)
        self.kind = kind


@contextmanager
def workspace(*, must_exist: bool = True) -> Generator["Workspace"]:
    """The workspace that the environment names.

    Raises:
        ConfigurationError: with `must_exist`, that there is nothing at `MARKET_DATA_HOME` yet.
    """
    from market_data.pipeline import logs
    from market_data.pipeline.workspace import opened
    from market_data.settings import load_settings
    from market_data.sources import catalog

    settings = load_settings(catalog())
    if must_exist and not settings.is_made:
        raise ConfigurationError(
            f"nothing is at {settings.home} yet (MARKET_DATA_HOME names it): `market-data demo` fills it, "
            "and so does `dagster asset materialize`"
        )
    if settings.log_format == "json":  # as text, what is logged stays as terse as Python shows it by itself
        logs.show(settings.log_format)
    with opened(settings) as found:
        yield found


def stdout() -> "Console":
    """For results."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def stderr() -> "Console":
    """For what is said beside results; it shows progress on a terminal only."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def day(text: str, what: str) -> dt.date:
    """A day from the command line; `what` names the word that it is.

    Raises:
        ConfigurationError: it is none.
    """
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        with suppress(ValueError):
            return dt.date.fromisoformat(text)
    raise ConfigurationError(f"{what} is {text!r}; expected a UTC day, YYYY-MM-DD")


def today() -> dt.date:
    """The day it is, UTC."""
    return dt.datetime.now(dt.UTC).date()


def counted(rows: Mapping[str, int]) -> str:
    """How many rows relations have, those that are empty left out."""
    return ", ".join(f"{count:,} {name}" for name, count in rows.items() if count) or "no row"


def size(count: float) -> str:
    """Bytes for people."""
    thousand = 1_000
    for unit in ("B", "kB", "MB", "GB"):
        if count < thousand:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= thousand
    return f"{count:.1f} TB"
