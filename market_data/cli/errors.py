"""How a command ends that could not do what it was asked: exit codes, and one line or a JSON object. No trace."""

import json
import sys
import traceback
from collections.abc import Generator
from contextlib import contextmanager

import typer

from market_data.domain.errors import ConfigurationError, MarketDataError, ours

FAILED, WRONG_USAGE = 1, 2


class CommandFailed(MarketDataError):
    """A command could not do what it was asked; `kind` is its name in JSON."""

    def __init__(self, message: str, kind: str = "Failed") -> None:
        super().__init__(message)
        self.kind = kind


@contextmanager
def errors_told(*, as_json: bool, debug: bool) -> Generator[None]:
    """Tell an error in one plain line, or as a JSON object, and end with the code that it means.

    Args:
        as_json: whether the command line has `--json` in it.
        debug: shows the trace, too.
    """
    try:
        yield
    except (typer.Exit, typer.Abort, BrokenPipeError):
        raise
    except typer.TyperException as error:
        if not as_json:
            raise
        raise _told(error, "WrongUsage", getattr(error, "message", str(error)), WRONG_USAGE, True, debug) from error
    except Exception as error:
        kind, message, code = _meaning(error, debug)
        raise _told(error, kind, message, code, as_json, debug) from error


def _meaning(error: Exception, debug: bool) -> tuple[str, str, int]:
    """Return the kind, the message and the exit code."""
    if isinstance(error, OSError):
        return "Failed", str(ours(error)), FAILED
    if isinstance(error, CommandFailed):
        return error.kind, str(error), FAILED
    if isinstance(error, MarketDataError):
        return type(error).__name__, str(error), WRONG_USAGE if isinstance(error, ConfigurationError) else FAILED
    again = "" if debug else "; `market-data --debug ...` shows where"
    return "Bug", f"{type(error).__name__}: {' '.join(str(error).split())}{again}", FAILED


def _told(error: Exception, kind: str, message: str, code: int, as_json: bool, debug: bool) -> typer.Exit:
    if debug:
        traceback.print_exception(error)
    if as_json:
        line = json.dumps({"error": {"kind": kind, "message": message}}, ensure_ascii=False)
    else:
        line = f"{'bug' if kind == 'Bug' else 'error'}: {message}"
    sys.stderr.write(f"{line}\n")
    return typer.Exit(code)
