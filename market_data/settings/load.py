"""Reading `feeds.yaml`: every mistake is refused at load with file, line, key, value and what was expected."""

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr, ValidationError

from market_data.domain.errors import ConfigurationError
from market_data.domain.ports.source import SourceInfo
from market_data.settings.checks import checks_model, known_keys
from market_data.settings.environment import Environment, Secret
from market_data.settings.feeds_file import line_of, read_feeds_file
from market_data.settings.home import home_of
from market_data.settings.keyspace import too_large
from market_data.settings.model import Alerts, Feed, Settings
from market_data.settings.upkeep import Upkeep

_LONGEST_VALUE = 80
_SECRET = re.compile(r"key|secret|token|password|credential", re.IGNORECASE)


def load_settings(sources: Mapping[str, SourceInfo], environment: Environment | None = None) -> Settings:
    """Return the settings, from the environment and the feeds file it names.

    Args:
        sources: what there is to collect from; each says which tables and options it has.
        environment: read from the process where it is not given.

    Raises:
        ConfigurationError: with file, line, key, value and what was expected.
    """
    environment = environment or Environment()
    path = environment.config_path
    document, node = read_feeds_file(path)
    if not isinstance(document, dict) or not isinstance(document.get("feeds"), dict):  # pyright: ignore[reportUnknownMemberType]
        raise ConfigurationError(f"{path}: expected the key 'feeds', that holds a stanza for each feed")
    for key in document:  # pyright: ignore[reportUnknownVariableType]
        if key not in {"feeds", "alerts", "upkeep"}:
            raise ConfigurationError(
                f"{path}:{line_of(node, [str(key)])}: {key}: expected 'feeds' and, perhaps, 'alerts' and 'upkeep'"
            )
    feeds = {str(name): _feed(str(name), stanza, sources, path, node) for name, stanza in document["feeds"].items()}
    if len({name.lower() for name in feeds}) < len(feeds):
        raise ConfigurationError(f"{path}: expected names of feeds that differ in more than the case of their letters")
    _know_each_other(feeds, path, node)
    _small_enough(feeds, environment.partitions_per_feed, path, node)
    alerts = _alerts(document.get("alerts"), feeds, path, node)
    home = home_of(environment)
    return Settings(
        home=home.home,
        bucket=home.bucket,
        postgres_url=_secret(home.postgres_url),
        ledger_url=_secret(home.ledger_url),
        config_path=path,
        progress_file=environment.progress_file,
        watch_seconds=environment.watch_seconds,
        repair_seconds=environment.repair_seconds,
        partitions_per_feed=environment.partitions_per_feed,
        log_format=environment.log_format,
        feeds=feeds,
        alerts=alerts,
        upkeep=_upkeep(document.get("upkeep"), path, node),
    )


def _secret(given: Secret | None) -> SecretStr | None:
    return None if given is None else SecretStr(given.get_secret_value())


def _feed(name: str, stanza: Any, sources: Mapping[str, SourceInfo], path: Path, node: yaml.Node | None) -> Feed:
    if not isinstance(stanza, dict):
        raise ConfigurationError(f"{path}:{line_of(node, ['feeds', name])}: feeds.{name}: expected a stanza with keys")
    fields: dict[str, Any] = {"name": name, **stanza}  # pyright: ignore[reportUnknownVariableType]
    problems: list[str] = []
    if (source := sources.get(str(fields.get("source")))) is not None:
        try:
            fields["options"] = source.options.model_validate(fields.get("options") or {})
        except ValidationError as error:
            problems += _sentences(["feeds", name, "options"], error, path, node)
    if "checks" in fields:
        try:
            fields["checks"] = checks_model().model_validate(fields["checks"] or {})
        except ValidationError as error:
            problems += _sentences(["feeds", name, "checks"], error, path, node, known_keys)
            del fields["checks"]
    try:
        feed = Feed.model_validate(fields, context={"sources": sources})
    except ValidationError as error:
        problems = _sentences(["feeds", name], error, path, node) + problems
        raise ConfigurationError("\n".join(problems)) from None
    if problems:
        raise ConfigurationError("\n".join(problems))
    return feed


def _alerts(stanza: Any, feeds: Collection[str], path: Path, node: yaml.Node | None) -> Alerts:
    try:
        return Alerts.model_validate({} if stanza is None else stanza, context={"feeds": feeds})
    except ValidationError as error:
        raise ConfigurationError("\n".join(_sentences(["alerts"], error, path, node))) from None


def _upkeep(stanza: Any, path: Path, node: yaml.Node | None) -> Upkeep:
    try:
        return Upkeep.model_validate({} if stanza is None else stanza)
    except ValidationError as error:
        raise ConfigurationError("\n".join(_sentences(["upkeep"], error, path, node))) from None


def _know_each_other(feeds: Mapping[str, Feed], path: Path, node: yaml.Node | None) -> None:
    """Feeds that the checks of another name exist."""
    for name, feed in feeds.items():
        for check, table, other in feed.checks.other_feeds:
            if other not in feeds or other == name:
                keys = ["feeds", name, "checks", check, table, "feed"]
                known = ", ".join(each for each in feeds if each != name) or "none: there is no other feed"
                raise ConfigurationError(
                    f"{path}:{line_of(node, keys)}: {'.'.join(keys)} = {other!r}: expected another feed out of {known}"
                )


def _small_enough(feeds: Mapping[str, Feed], limit: int, path: Path, node: yaml.Node | None) -> None:
    """Refuses feeds whose partitions are more than Dagster's interface can show."""
    today = dt.datetime.now(dt.UTC).date()
    refused = {name: words for name, feed in feeds.items() if (words := too_large(feed, limit, today)) is not None}
    if refused:
        told = (f"{path}:{line_of(node, ['feeds', name])}: feeds.{name}: {words}" for name, words in refused.items())
        raise ConfigurationError("\n".join(told))


def _sentences(
    above: list[str],
    error: ValidationError,
    path: Path,
    node: yaml.Node | None,
    known: Callable[[list[str]], Iterable[str]] | None = None,
) -> list[str]:
    """Return what is wrong, a sentence each; `known` gives the keys that may stand below others."""
    sentences: list[str] = []
    for item in error.errors(include_url=False):
        keys = [*above, *(str(part) for part in item["loc"] if part != "[key]")]
        value = "..." if _is_secret(keys, item["input"]) else _short(item["input"])
        shown = f"{path}:{line_of(node, keys)}: {'.'.join(keys)}" + ("" if item["type"] == "missing" else f" = {value}")
        what = item["msg"].removeprefix("Value error, ")
        expected = {"extra_forbidden": "there is no such key", "missing": "is expected, but absent"}
        if known is not None:
            expected["extra_forbidden"] += f"; expected one out of {', '.join(known(keys[len(above) : -1]))}"
        words = expected.get(item["type"], what)
        sentences.append(f"{shown}: {words[0].lower()}{words[1:]}")
    return sentences


def _is_secret(keys: list[str], value: object) -> bool:
    """Return whether a value may be a secret that stands in the file by mistake: a channel's address is one."""
    return bool(_SECRET.search(keys[-1])) or (keys[0] == "alerts" and "://" in repr(value))


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
