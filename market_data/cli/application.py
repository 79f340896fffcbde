"""The application: how its commands are found, and its global options. No command stands here."""

import importlib
import pkgutil
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from market_data import __version__
from market_data.cli.errors import errors_told
from market_data.cli.parameters import read_plainly
from market_data.domain import plugins

_WANTS_JSON = "market_data.json"
_COMMANDS = "market_data.cli.commands"


class _Commands(TyperGroup):
    """Knows commands by name and summary; the one that is asked for is imported when it is resolved.

    All of them together took 0.3 s to import, which every command and every wrong word paid for.
    """

    def __init__(self, **words: Any) -> None:
        super().__init__(**words)
        read_plainly(self)
        for name in plugins.names(_COMMANDS):
            word = name.replace("_", "-")
            self.commands[word] = TyperCommand(word, short_help=_summary(name))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that the first word names, imported, and the words after it."""
        word, found, rest = super().resolve_command(ctx, args)
        return word, None if found is None or word is None else _imported(word), rest

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Note whether the command line asks for JSON, since errors are JSON then, too."""
        ctx.meta[_WANTS_JSON] = "--json" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command and tell its errors."""
        with errors_told(as_json=ctx.meta[_WANTS_JSON], debug=bool(ctx.params.get("debug"))):
            return super().invoke(ctx)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands; errors stay plain text whatever help looks like."""
        self.rich_markup_mode = _markup()
        super().format_help(ctx, formatter)


def _markup() -> Any:
    """Return how help looks: for a terminal as rich shows Markdown.

    Elsewhere plain, since rich takes 0.1 s to import.
    """
    return "markdown" if sys.stdout.isatty() else None


def _summary(name: str) -> str:
    """Return what the list of commands says of a module, from its first line: its source is read, and not run."""
    source = pkgutil.get_data(_COMMANDS, f"{name}.py") or b""
    summary = source.partition(b"\n")[0].decode().strip('"').partition("`: ")[2].partition(". ")[0].rstrip(".")
    return f"{summary[:1].upper()}{summary[1:]}."


def _imported(word: str) -> Any:
    """Return a module's `command`, or its `app` where it is a group of several."""
    module = importlib.import_module(f"{_COMMANDS}.{word.replace('-', '_')}")
    alone = typer.Typer(rich_markup_mode=_markup(), add_completion=False, pretty_exceptions_enable=False)
    if hasattr(module, "app"):
        alone.add_typer(module.app, name=word)
    else:
        alone.command(word)(module.command)
    return read_plainly(get_group(alone).commands[word])


app = typer.Typer(
    name="market-data",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"market-data {__version__}")
        raise typer.Exit


@app.callback()
def _options(  # pyright: ignore[reportUnusedFunction]
    debug: Annotated[bool, typer.Option("--debug", help="Show the trace of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Ask the market-data platform, and bring it data.

    Materializing is Dagster's own: `dagster asset materialize --select demo/trades --partition '2024-01-15|BTC-USD'
    -m market_data.definitions`, or the UI (`make ui`). Where things lie: `MARKET_DATA_HOME` (default `./data`) and
    `MARKET_DATA_CONFIG` (the feeds; default `./feeds.yaml`, else those that come with the package).

    Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.
    """
