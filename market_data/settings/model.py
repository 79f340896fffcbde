"""The frozen models of the configuration and the rules that can be judged without reading anything else."""

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from market_data.domain.candles import candle_kind, kind_names
from market_data.domain.checks import applicable
from market_data.domain.partition import SAFE_NAME, Partition, is_safe_name
from market_data.domain.ports.check import SomeThresholds
from market_data.domain.ports.source import Request, SourceInfo
from market_data.domain.quality import Standard
from market_data.domain.rules import AS_IT_IS, Amendments
from market_data.domain.time import day_bounds, to_datetime
from market_data.settings.alerts import Alerts
from market_data.settings.bucket import BucketHome
from market_data.settings.calendar import check_calendar
from market_data.settings.checks import ChecksStanza
from market_data.settings.environment import PARTITIONS_PER_FEED
from market_data.settings.home import Places
from market_data.settings.outline import Outlined
from market_data.settings.stanzas import Budget, Repair, TableRules
from market_data.settings.upkeep import Upkeep

STANDARD_CANDLES: Mapping[str, tuple[str, ...]] = {"time": ("1m", "5m", "15m", "1h", "1d")}


def _safe(name: str) -> str:
    if not is_safe_name(name):
        raise ValueError(f"expected a name that is safe in a path: {SAFE_NAME}")
    return name


def _as_mapping(value: object) -> object:
    """Return a plain list of symbols means that the vendor uses the same names."""
    if isinstance(value, list):
        names = [str(name) for name in value]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        if len(set(names)) < len(names):
            raise ValueError("expected each symbol once")
        return dict(zip(names, names, strict=True))
    return value


def _distinct_on_disk(symbols: dict[str, str]) -> dict[str, str]:
    """Some file systems do not tell `ETH` from `eth`: two such symbols would share a folder."""
    if len({name.lower() for name in symbols}) < len(symbols):
        raise ValueError("expected symbols that differ in more than the case of their letters")
    return symbols


def _known_candles(candles: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    for kind, timeframes in candles.items():
        if kind not in kind_names():
            raise ValueError(f"expected kinds of candle out of {', '.join(kind_names())}, not {kind!r}")
        if len(set(timeframes)) < len(timeframes):
            raise ValueError(f"expected each timeframe of {kind!r} once")
        for timeframe in timeframes:
            candle_kind(kind).check(timeframe)
    return candles


def _group_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name):
        raise ValueError("expected letters, digits and '_', a letter first, at most 64: it names an asset group")
    return name


SafeName = Annotated[str, AfterValidator(_safe)]
Symbols = Annotated[
    dict[SafeName, str], Field(min_length=1), BeforeValidator(_as_mapping), AfterValidator(_distinct_on_disk)
]


def _sources(info: ValidationInfo) -> Mapping[str, SourceInfo]:
    return (info.context or {}).get("sources", {})


class Feed(Outlined, BaseModel):
    """One stanza of `feeds.yaml`: what to collect, from whom, since when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, AfterValidator(_group_name)] = Field(
        exclude=True, description="the stanza's key; asset group and first part of asset keys"
    )
    description: str = Field(default="", description="a sentence for the UI and `market-data coverage`")
    source: str = Field(description="which source collects it")
    symbols: Symbols = Field(description="our symbols to the vendor's; a plain list where they are the same")
    tables: tuple[str, ...] = Field(
        min_length=1,
        description="what is fetched, out of the source's tables; `candles` and `quality_reports` follow",
    )
    start: dt.date = Field(description="first UTC day, YYYY-MM-DD")
    end: dt.date | None = Field(default=None, description="last UTC day, included; without it the feed goes on")
    calendar: Annotated[str, AfterValidator(check_calendar)] = Field(
        default="24/7",
        description="when the market trades: `24/7`, or a name of exchange-calendars such as `CMES`",
    )
    due_after_hours: float = Field(
        default=12,
        ge=0,
        description="how long after its end (00:00 UTC) a day may take to arrive before it is late",
    )
    candles: Annotated[dict[str, tuple[str, ...]], AfterValidator(_known_candles)] = Field(
        default=dict(STANDARD_CANDLES), description="candles to build from trades: kind to timeframes"
    )
    rules: dict[str, TableRules] = Field(
        default={}, description="changes of a table's contract, by table: what to `relax` and to `tighten`, and why"
    )
    budget: Budget = Budget()
    repair: Repair = Repair()
    quality: Standard = Standard()
    checks: ChecksStanza = Field(
        default=ChecksStanza(),
        description="thresholds of single checks by table, `{<check>: {<table>: {<threshold>: <value>}}}`, or "
        "`{<check>: {enabled: false, reason: <why>}}`; listed with each check below",
    )
    options: Any = Field(default=None, description="the source's own settings, listed with each source below")

    @field_validator("source")
    @classmethod
    def _known_source(cls, name: str, info: ValidationInfo) -> str:
        if name not in _sources(info):
            raise ValueError(f"expected a source out of {', '.join(sorted(_sources(info)))}")
        return name

    @field_validator("tables")
    @classmethod
    def _delivered_tables(cls, tables: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        source = _sources(info).get(info.data.get("source", ""))
        if source is None:
            return tables
        if unknown := [table for table in tables if table not in source.tables]:
            raise ValueError(f"{source.name} has no {', '.join(unknown)}; expected out of {', '.join(source.tables)}")
        return tuple(table for table in source.tables if table in tables)

    @field_validator("rules")
    @classmethod
    def _rules_of_fetched_tables(cls, rules: dict[str, TableRules], info: ValidationInfo) -> dict[str, TableRules]:
        tables = info.data.get("tables", ())
        if unknown := [table for table in rules if tables and table not in tables]:
            raise ValueError(f"expected tables that the feed fetches ({', '.join(tables)}), not {unknown[0]}")
        return rules

    @model_validator(mode="after")
    def _days_in_order(self) -> "Feed":
        if self.end is not None and self.end < self.start:
            raise ValueError(f"expected end ({self.end}) not before start ({self.start})")
        return self

    @property
    def judged_by(self) -> dict[str, str]:
        """Return the checks that apply to the feed, and the table that each is shown at."""
        return applicable(self.assets, self.checks.named, self.checks.switched_off)

    def thresholds(self, check: str, table: str, kind: type[SomeThresholds]) -> SomeThresholds:
        """Return what a check holds against for a table of the feed."""
        return self.checks.thresholds(check, table, kind)

    def amendments(self, table: str) -> Amendments:
        """Return what the feed changes of the contract of one of its tables."""
        return self.rules[table].amendments if table in self.rules else AS_IT_IS

    def request(self, table: str, partition: Partition) -> Request:
        """Return what the source is asked for."""
        return Request(table=table, partition=partition, vendor_symbol=self.symbols[partition.symbol])

    def due_at(self, day: dt.date) -> dt.datetime:
        """Return when a UTC day of the feed is late if it is not there."""
        return to_datetime(day_bounds(day)[1]) + dt.timedelta(hours=self.due_after_hours)

    def last_due_day(self, now: dt.datetime) -> dt.date:
        """Return the last UTC day that is due by `now`, whether it had a session or not.

        It may lie before the first.
        """
        last = (now - dt.timedelta(hours=self.due_after_hours)).date() - dt.timedelta(days=1)
        return last if self.end is None else min(last, self.end)


class Settings(Places, BaseModel):
    """Everything that was configured.

    Attributes:
        home: the local folder; for a home on a bucket its scratch folder.
        bucket: where landing and warehouse lie, if not in `home`.
        postgres_url: the database of Dagster's storage and the ledger, if they are no files.
        ledger_url: where the ledger is, if neither there nor in `home`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path
    bucket: BucketHome | None = None
    postgres_url: SecretStr | None = None
    ledger_url: SecretStr | None = None
    config_path: Path
    progress_file: Path | None = None
    watch_seconds: int = 60
    repair_seconds: int = 300
    partitions_per_feed: int = PARTITIONS_PER_FEED
    log_format: Literal["text", "json"] = "text"
    feeds: dict[str, Feed]
    alerts: Alerts = Alerts()
    upkeep: Upkeep = Upkeep()
