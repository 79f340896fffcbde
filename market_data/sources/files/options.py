"""The options of a `files` feed: what a file's columns mean. Light enough to be imported at every start."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Format = Literal["csv", "jsonl", "json_array"]
Unit = Literal["s", "ms", "us", "ns", "iso8601"]
TableName = Literal[
    "instruments",
    "trades",
    "quotes",
    "book_snapshots",
    "book_updates",
    "derivative_tickers",
    "liquidations",
    "options_chains",
    "statistics",
    "vendor_candles",
]
_PLACES = {"symbol": "S", "date": "D", "year": "Y", "month": "M", "day": "D"}


def _path(value: str) -> str:
    try:
        value.format(**_PLACES)
    except (KeyError, IndexError, ValueError, AttributeError):
        raise ValueError(f"may have no other braces than {', '.join(f'{{{name}}}' for name in _PLACES)}") from None
    if not value.startswith("/"):
        raise ValueError("must be an absolute path, such as /data/acme/{symbol}/{date}.csv.gz")
    return value


def _column(value: Any) -> Any:
    """Return a bare name stands for the vendor's column of that name."""
    return {"from": value} if isinstance(value, str) else value


class ColumnOptions(BaseModel):
    """Where one of our columns comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str | None = Field(
        default=None, alias="from", min_length=1, description="The vendor's column, or key of its JSON objects."
    )
    unit: Unit | None = Field(
        default=None,
        description="Of a time: since the epoch, or a text of ISO 8601 (UTC where it names no zone).",
    )
    words: Mapping[str, str | None] | None = Field(
        default=None, description="The vendor's words to ours, such as `{B: buy, S: sell}`; another word is a fault."
    )
    value: str | None = Field(default=None, description="The same text in every row, instead of a column.")

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.source is None) == (self.value is None):
            raise ValueError("must have either `from`, the vendor's column, or `value`, the same for every row")
        if self.value is not None and (self.unit or self.words):
            raise ValueError("of a `value` neither `unit` nor `words` can be given")
        return self


def _used_once(columns: Mapping[str, ColumnOptions]) -> Mapping[str, ColumnOptions]:
    sources = [column.source for column in columns.values() if column.source is not None]
    if twice := sorted({name for name in sources if sources.count(name) > 1}):
        raise ValueError(f"must use each of the vendor's columns once, not {', '.join(twice)}")
    return columns


class FilesOptions(BaseModel):
    """What the files of a vendor look like that no source knows. A feed has one table; how it is packed is seen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: TableName = Field(default="trades", description="The one table of the feed that the files are.")
    format: Format = Field(
        description="`csv` with a line of names, `jsonl` with an object a line, or `json_array` with an array of "
        "objects; plain, or packed as gzip, zstd or a zip of one file."
    )
    columns: Annotated[
        Mapping[str, Annotated[ColumnOptions, BeforeValidator(_column)]],
        Field(min_length=1),
        AfterValidator(_used_once),
    ] = Field(description="Our columns to the vendor's; a bare name is short for `{from: name}`.")
    names: tuple[str, ...] | None = Field(
        default=None, description="Of all columns of a CSV that has no line of names, in their order."
    )
    clock: str | None = Field(
        default=None,
        description="Our column that decides a record's day and order; by default `ts_event`, of candles `ts_open`.",
    )
    identity: tuple[str, ...] = Field(
        default=(),
        description="Our columns of the vendor's unique key. Without it a record's place is its identity, and nothing "
        "is ever dropped.",
    )
    path: Annotated[str, AfterValidator(_path)] | None = Field(
        default=None,
        description="Where a run finds a day's file: an absolute path with `{symbol}` (the vendor's) and `{date}`, or "
        "`{year}`, `{month}`, `{day}`. Without it files are brought with `market-data land`.",
    )
    max_uncompressed_bytes: int = Field(
        default=64 << 30, gt=0, description="A file that would unpack to more is refused."
    )

    @model_validator(mode="after")
    def _names_of_csv(self) -> Self:
        if self.names is not None and self.format != "csv":
            raise ValueError("names are for csv only: JSON objects name their keys")
        return self
