"""The application: its commands, its global options, and how errors are told. No command stands here."""

import json
import sys
import traceback
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from market_data import __version__
from market_data.cli._shared import CommandFailed
from market_data.domain import plugins
from market_data.domain.errors import ConfigurationError, MarketDataError, ours

FAILED, WRONG_USAGE = 1, 2
_WANTS_JSON = "market_data.json"
_COMMANDS = "market_data.cli"


class _Commands(TyperGroup):
    """Tells errors in one plain line, or as a JSON object, and ends with the code that they mean."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta[_WANTS_JSON] = "--json" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except typer.TyperException as error:
            if not ctx.meta[_WANTS_JSON]:
                raise
            _tell(ctx, "WrongUsage", getattr(error, "message", str(error)))
            raise typer.Exit(WRONG_USAGE) from error
        except OSError as error:
            _tell(ctx, "Failed", str(ours(error)))
            raise typer.Exit(FAILED) from error
        except CommandFailed as error:
            _tell(ctx, error.kind, str(error))
            raise typer.Exit(FAILED) from error
        except MarketDataError as error:
            _tell(ctx, type(error).__name__, str(error))
            raise typer.Exit(WRONG_USAGE if isinstance(error, ConfigurationError) else FAILED) from error
        except Exception as error:
            again = "" if ctx.params.get("debug") else "; `market-data --debug ...` shows where"
            _tell(ctx, "Bug", f"{type(error).__name__}: {' '.join(str(error).split())}{again}")
            raise typer.Exit(FAILED) from error


def _tell(ctx: Any, kind: str, message: str) -> None:
    if ctx.params.get("debug"):
        traceback.print_exc()
    if ctx.meta[_WANTS_JSON]:
        line = json.dumps({"error": {"kind": kind, "message": message}}, ensure_ascii=False)
    else:
        line = f"{'bug' if kind == 'Bug' else 'error'}: {message}"
    sys.stderr.write(f"{line}\n")


app = typer.Typer(
    name="market-data",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
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


def _add(name: str) -> None:
    """A module's `command`, or its `app` where it is a group of several."""
    word = name.replace("_", "-")
    if plugins.offers(_COMMANDS, name, "app"):
        app.add_typer(plugins.load(_COMMANDS, name, "app"), name=word)  # type: ignore[arg-type]
    else:
        app.command(word)(plugins.load(_COMMANDS, name, "command"))  # type: ignore[arg-type]


for _name in plugins.names(_COMMANDS):
    _add(_name)
