"""Reading the words of a command line without pydantic where they need none. What they mean is the commands' matter."""

from typing import Any, Literal, get_args, get_origin


def read_plainly(command: Any) -> Any:
    """Let a command and those below it take plain words as they are; returns the command.

    typer turns each word into its parameter's type by a pydantic adapter, and builds one even for an option that is
    not given: 0.2 s for `query "SELECT 1"`, whose parameters are all text or left out. What is not plain, and all that
    is wrong, goes typer's own way, which has the messages. A typer that asks no `get_runtime_param` is left as it is.
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
        """The value as the parameter's type."""
        if not param.multiple and param.nargs == 1 and _is_plain(value, param.type_descriptor.annotation):
            return value
        return self._typers_own().coerce(value, param, ctx)


def _is_plain(value: Any, annotation: Any) -> bool:
    """Whether nothing was given, or a default, a text where text is wanted, or one of the words that there are."""
    if get_origin(annotation) is Literal:
        return value is None or value in get_args(annotation)
    return value is None or type(value) is annotation
