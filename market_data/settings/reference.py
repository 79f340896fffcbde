"""The configuration reference as Markdown, from the models alone, so that it cannot say what they do not."""

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeGuard, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from market_data.domain.candles import candle_kind, kind_names
from market_data.domain.checks import check, check_names
from market_data.domain.ports.source import SourceInfo
from market_data.settings.environment import Environment, Secret
from market_data.settings.model import Alerts, Feed
from market_data.settings.upkeep import Upkeep

_OPENING = """# Configuration

Written from the models by `make docs`; a test compares the two.

The feeds stand in a YAML file under the key `feeds`, with a stanza for each feed; beside it `alerts` and
`upkeep` may stand. Plain scalars stay text until the models read them: the symbol `NO` is no boolean, `1000` no number.
What is wrong is refused at load, with file, line, key, value and what was expected."""
_VARIABLES = """## Environment variables

Read from the environment, or from a file `.env` in the working folder; the environment goes before it.
Dagster itself reads `DAGSTER_HOME`, an absolute path to a folder that exists; `make` sets it to
`$MARKET_DATA_HOME/dagster`."""
_FEED = """## A feed

The keys of a stanza. The stanza's own key is the feed's name: asset group and first part of its asset keys."""
_ALERTS = """## Alerts

The keys under `alerts`, beside `feeds`. A channel is a variable `MARKET_DATA_ALERTS_<NAME>` that holds an
[apprise URL](https://github.com/caronc/apprise/wiki): it is a secret, and stands in no file but `.env`."""
_UPKEEP = """## Upkeep

The keys under `upkeep`, beside `feeds`: what is done for the warehouse's files [once a day](../how-to/compact.md)."""
_KINDS = """## Kinds of candle

What `candles` of a feed may name."""
_CHECKS = """## Checks

What `checks` of a feed may change, by check and table: `checks: {prices: {trades: {least_return: 0.02}}}`. A check is
switched off with a reason: `checks: {prices: {enabled: false, reason: "one price a day"}}`. What each asks, and what to
do when it fails, is on the page of [quality](../quality.md)."""
_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
_NAMES: Mapping[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    Decimal: "number",
    bool: "`true` or `false`",
    dt.date: "day",
    Path: "path",
    Secret: "text, secret",  # pragma: allowlist secret
    Any: "mapping",
}


def reference(sources: Mapping[str, SourceInfo]) -> str:
    """Return the page: environment variables, a feed's keys, kinds of candle, checks, each source's options."""
    parts = [_OPENING, _VARIABLES, _table(("variable", "type", "default", "meaning"), _variables())]
    parts += [_FEED, _fields(Feed, without=("name",))]
    parts += [_ALERTS, _fields(Alerts)]
    parts += [_UPKEEP, _fields(Upkeep)]
    parts += [_KINDS, _table(("kind", "timeframes"), _kinds())]
    parts += [_CHECKS, *(part for name in check_names() for part in _check(name))]
    for name in sorted(sources):
        parts += _source(sources[name])
    return "\n\n".join(parts) + "\n"


def _source(source: SourceInfo) -> Iterator[str]:
    yield f"## Options of `{source.name}`"
    yield source.summary
    yield f"Tables: {', '.join(f'`{table}`' for table in source.tables)}."
    yield _fields(source.options)


def _check(name: str) -> Iterator[str]:
    judge = check(name)
    yield f"### `{name}`"
    asked = (type(judge).__doc__ or "").strip().partition("\n")[0]
    yield f"{asked} Tables: {', '.join(f'`{table}`' for table in judge.tables)}."
    if judge.thresholds.model_fields:
        yield _fields(judge.thresholds)


def _variables() -> Iterator[Sequence[str]]:
    for field in dataclasses.fields(Environment):
        default = "" if field.default is None else _as_yaml(field.default)
        yield f"`MARKET_DATA_{field.name.upper()}`", _type(field.type), default, field.metadata["description"]


def _kinds() -> Iterator[Sequence[str]]:
    for name in kind_names():
        try:
            candle_kind(name).check("")
        except ValueError as refusal:
            yield f"`{name}`", str(refusal).partition(", not ")[0]


def _fields(model: type[BaseModel], without: Sequence[str] = ()) -> str:
    rows = (row for row in _keys(model) if row[0].strip("`") not in without)
    return _table(("key", "type", "default", "meaning"), rows)


def _keys(model: type[BaseModel], above: str = "") -> Iterator[Sequence[str]]:
    """Yield a row a key.

    The keys of a stanza within the stanza as `stanza.key`, of a list of stanzas as `list[].key`.
    """
    for attribute, field in model.model_fields.items():
        name = field.alias or attribute
        if _is_model(field.annotation) and field.annotation.model_fields:
            yield from _keys(field.annotation, f"{above}{name}.")
            continue
        yield f"`{above}{name}`", _type(field.annotation, field.metadata), _default(field), _words(field)
        for inner in filter(_is_model, map(_without_validators, get_args(field.annotation))):
            yield from _keys(inner, f"{above}{name}[].")


def _without_validators(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _is_model(annotation: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _words(field: FieldInfo) -> str:
    return " ".join((field.description or "").split())


def _default(field: FieldInfo) -> str:
    """Return a default as YAML writes it."""
    if field.is_required():
        return "required"
    if field.default is None or isinstance(field.default, BaseModel):
        return ""
    return _as_yaml(field.default)


def _as_yaml(value: object) -> str:
    text = yaml.safe_dump(_plain(value), default_flow_style=True, width=1_000, sort_keys=False)
    return f"`{text.removesuffix('...' + chr(10)).strip()}`"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]  # pyright: ignore[reportUnknownArgumentType]
    return str(value) if isinstance(value, Path | Decimal | dt.date) else value


def _type(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    """Return a type in words, with its bounds."""
    bounds = [
        f"{words} {getattr(each, bound)}"
        for each in metadata
        for bound, words in _BOUNDS.items()
        if hasattr(each, bound)
    ]
    bounds += ["not empty" for each in metadata if getattr(each, "min_length", None)]
    return ", ".join([_bare(annotation), *bounds])


def _bare(annotation: Any) -> str:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        inner, *metadata = args
        return _type(inner, [each for entry in metadata for each in getattr(entry, "metadata", [entry])])
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in args)
    if origin in (Union, UnionType):
        return " or ".join(_bare(each) for each in args if each is not NoneType)
    if origin is tuple:
        return f"list of {_bare(args[0])}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"mapping of {_bare(args[0])} to {_bare(args[1])}"
    return "stanza" if _is_model(annotation) else _NAMES[annotation]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
