"""The environment variables of the platform itself. A source's secrets are read by that source, when it fetches.

Every command reads them, and most need nothing else of the settings: so nothing heavy is imported here, as
pydantic-settings was, whose import took 0.4 s.
"""
# ruff: noqa: RUF009  what `_variable` returns is a dataclass's field

import dataclasses
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

from market_data.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic import SecretStr

_POSTGRES = re.compile(r"postgresql(\+psycopg2)?://[^\s/?]*/[^\s/?]+(\?\S*)?", re.ASCII)
_PREFIX = "MARKET_DATA_"
_DOT_ENV = ".env"
PARTITIONS_PER_FEED = 100_000
PACKAGED_FEEDS = Path(__file__).parent.parent / "config" / "feeds.yaml"


class Secret:
    """A text that is not shown by accident."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        """Return the text."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('**********')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The least value of a number."""

    ge: float


def _variable(default: object, meaning: str) -> Any:
    """Return a field that a variable of its name fills, and what the reference says of it."""
    return dataclasses.field(default=default, metadata={"description": meaning})


@dataclass(frozen=True, init=False)
class Environment:
    """`MARKET_DATA_*` from the environment or a `.env` file in the working folder; the environment goes before it."""

    home: Path | str = _variable(
        Path("data"),
        "Root of landing, warehouse and ledger (`MARKET_DATA_HOME`): a folder, or `s3://bucket/prefix`, "
        "`gs://bucket/prefix`, `az://container/prefix`.",
    )
    config: Path | None = _variable(
        None,
        "The feeds file (`MARKET_DATA_CONFIG`); without it `./feeds.yaml`, else the one that comes with the package.",
    )
    postgres_url: Secret | None = _variable(
        None,
        "The PostgreSQL database of Dagster's runs, events and schedules and of the ledger: "
        "`postgresql://user:password@host/database`. Without it they are SQLite files, which is right for one machine.",
    )
    ledger_url: Secret | None = _variable(
        None,
        "The ledger's database, if it is another than that: a URL such as the one above, or "
        "`sqlite:////var/lib/market-data/ledger.db`. Without either it is `ledger.db` in the home, which then must be "
        "a folder.",
    )
    new_ledger_url: Secret | None = _variable(
        None, "Where `market-data ledger copy` copies the ledger; it asks for it where this is absent."
    )
    scratch: Path | None = _variable(
        None,
        "For a home on a bucket: the local folder of downloads, files in the making, cache and logs. Without it "
        "`market-data` in `$XDG_CACHE_HOME` or `~/.cache`.",
    )
    cache_gb: Annotated[float, AtLeast(0)] = _variable(
        10,
        "For a home on a bucket: how much of what was read or written is kept in the scratch folder, 10^9 bytes.",
    )
    bucket_endpoint: str | None = _variable(
        None,
        "Where the object store is, such as `http://127.0.0.1:9000`; without it where its vendor's tools look for it.",
    )
    progress_file: Path | None = _variable(
        None, "Where a run writes a JSON line a step, for programs that follow it; nowhere by default."
    )
    watch_seconds: int = _variable(60, "How often the sensor looks that tells what is late, wrong, failed or stalled.")
    repair_seconds: int = _variable(300, "How often the sensor looks that has partitions made again.")
    partitions_per_feed: Annotated[int, AtLeast(1)] = _variable(
        PARTITIONS_PER_FEED,
        "How many partitions, days by symbols, a feed may have; one of more is refused at load. What more costs: "
        "[sizing](../sizing.md).",
    )
    log_format: Literal["text", "json"] = _variable(
        "text",
        "How the project's log lines look; `json` makes each an object with time, level, logger, message, run, feed, "
        "table, symbol, day and stage, as far as they are known.",
    )

    def __init__(self, **given: object) -> None:
        """Read it; what is given goes before the variables.

        Raises:
            ConfigurationError: a variable is no value of its kind; secrets are not repeated.
        """
        variables = _variables()
        for field in dataclasses.fields(self):
            name = f"{_PREFIX}{field.name}".upper()
            value = given.pop(field.name, variables.get(name) or field.default)  # an empty one is none: so compose says
            object.__setattr__(self, field.name, _converted(name, value, field.type))
        if given:
            raise TypeError(f"Environment has no {', '.join(given)}")
        if self.postgres_url is not None and not _POSTGRES.fullmatch(self.postgres_url.get_secret_value()):
            raise ConfigurationError(
                "MARKET_DATA_POSTGRES_URL: expected postgresql://user:password@host:5432/database, with what is no "
                "letter or digit of the password as %.. (its value is not shown here: it may hold one)"
            )

    @property
    def config_path(self) -> Path:
        """Return the feeds file that counts."""
        if self.config is not None:
            return self.config
        own = Path("feeds.yaml")
        return own if own.exists() else PACKAGED_FEEDS


def _variables() -> Mapping[str, str | None]:
    """Return the environment by names in capitals, and below it what `.env` says."""
    listed: Mapping[str, str | None] = {}
    if Path(_DOT_ENV).is_file():
        from dotenv import dotenv_values  # noqa: PLC0415  few have such a file

        listed = dotenv_values(_DOT_ENV)
    return {name.upper(): value for name, value in (*listed.items(), *os.environ.items())}


def _converted(name: str, given: Any, kind: Any) -> Any:
    """Return what was given as the field's type."""
    kind, *bounds = get_args(kind) if get_origin(kind) is Annotated else (kind,)
    kinds = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    value: Any = given
    hidden = getattr(given, "get_secret_value", None)
    if isinstance(given, str) and str not in kinds:
        value = _parsed(name, given, next(each for each in kinds if each is not NoneType))
    elif hidden is not None:
        value = Secret(hidden())
    for bound in bounds:
        if not bound.ge <= value < math.inf:
            raise ConfigurationError(f"{name} is {value!r}; expected a number, at least {bound.ge}")
    return value


def _parsed(name: str, text: str, kind: Any) -> Any:
    if get_origin(kind) is Literal:
        if text not in get_args(kind):
            raise ConfigurationError(f"{name} is {text!r}; expected {' or '.join(get_args(kind))}")
        return text
    try:
        return kind(text)
    except ValueError:
        words = {int: "a whole number", float: "a number"}[kind]
        raise ConfigurationError(f"{name} is {text!r}; expected {words}") from None


CHANNEL_PREFIX = "MARKET_DATA_ALERTS_"


def alert_channels() -> "Mapping[str, SecretStr]":
    """Return the addresses of the alerts' channels by name: `MARKET_DATA_ALERTS_OPS` is that of `ops`.

    From the environment or a `.env` file in the working folder, as `Environment`; read anew at each call, so that no
    model keeps a secret.
    """
    from pydantic import SecretStr  # noqa: PLC0415  who reads channels sends messages, and has it already

    return {
        name.removeprefix(CHANNEL_PREFIX).lower(): SecretStr(value)
        for name, value in sorted(_variables().items())
        if name.startswith(CHANNEL_PREFIX) and value
    }
