"""Reading the words of a command line without pydantic where they need none. What they mean is the commands' matter."""

import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer

_DIGITS = re.compile(r"[+-]?[0-9]+", re.ASCII)


def read_plainly(command: Any) -> Any:
    """Let a command and those below it read plain words by themselves; returns the command.

    typer turns each word into its parameter's type by a pydantic adapter, and builds one even for an option that is
    not given: 0.2 s for `query "SELECT 1"`, whose parameters are all text or left out. What is not plain goes typer's
    own way, and what is wrong is told in typer's words. A typer that asks no `get_runtime_param` is left as it is.
    """
    own = command.get_params  # those that the command has of itself, and `--help`

    def read(ctx: Any) -> list[Any]:
        return [_plain(parameter) for parameter in own(ctx)]

    command.get_params = read
    for below in getattr(command, "commands", {}).values():
        read_plainly(below)
    return command


def _plain(parameter: Any) -> Any:
    asked = getattr(parameter, "get_runtime_param", None)
    if asked is not None and not isinstance(getattr(asked, "__self__", None), _Reader):
        parameter.get_runtime_param = _Reader(asked).itself
    return parameter


class _Reader:
    """Stands for what typer reads a parameter's value by."""

    def __init__(self, typers_own: Any) -> None:
        self._typers_own = typers_own

    def itself(self) -> "_Reader":
        return self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value as the parameter's type."""
        kind, info = param.type_descriptor.annotation, param.type_descriptor.parameter_info
        several = param.multiple or param.nargs != 1
        if value is None:
            return () if several else None
        try:
            if not several:
                return _read(value, kind, info)
            if get_origin(kind) is list:
                return [_read(each, get_args(kind)[0], info) for each in value]
        except _NotPlain:
            pass
        except ValueError as error:
            raise typer.BadParameter(str(error), ctx=ctx, param=param) from None
        return self._typers_own().coerce(value, param, ctx)


class _NotPlain(Exception):
    """What typer itself must read."""


def _read(value: Any, kind: Any, info: Any) -> Any:
    """Return a word as a text, a whole number, a path or one of some words; what is read already stays as it is.

    Raises:
        ValueError: it is none, in typer's words.
    """
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            words = ", ".join(map(repr, get_args(kind)))
            raise ValueError(f"Value error, {value!r} is not one of {words}.")
        return value
    if type(value) is kind or (kind is Path and isinstance(value, Path)):
        return value
    if kind is int and isinstance(value, str):
        return _whole_number(value, info.min, info.max)
    # typer looks at what is there: whether it can be read.
    if kind is Path and isinstance(value, str) and not Path(value).exists():
        return Path(value)
    raise _NotPlain


def _whole_number(text: str, least: int | None, most: int | None) -> int:
    if not _DIGITS.fullmatch(text):
        if any(letter.isdigit() for letter in text):  # 1_000 and 1.0 are numbers to typer
            raise _NotPlain
        raise ValueError("Input should be a valid integer, unable to parse string as an integer")
    if least is not None and int(text) < least:
        raise ValueError(f"Input should be greater than or equal to {least}")
    if most is not None and int(text) > most:
        raise ValueError(f"Input should be less than or equal to {most}")
    return int(text)
