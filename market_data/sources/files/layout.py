"""What the options of a feed mean for its table: how each column is read, and which contract it must meet. No files."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from market_data.domain.contract import Schema, Table
from market_data.domain.errors import ConfigurationError
from market_data.domain.ports.source import Delivery, Fault
from market_data.domain.tables import table as table_named
from market_data.sources.files.options import ColumnOptions, FilesOptions
from market_data.vendor_files.columns import Block, Column
from market_data.vendor_files.times import nanoseconds, time_column, time_faults, with_more

_NUMBERED = "ordinal"
_INSTRUMENT = "instrument_id"


@dataclass(frozen=True, slots=True)
class Target:
    """One of our columns, and where it comes from."""

    name: str
    dtype: pl.DataType
    is_time: bool
    required: bool
    options: ColumnOptions

    def column(self) -> Column | None:
        """Return how the vendor's column is read; None where there is none."""
        source, unit = self.options.source, self.options.unit
        if source is None:
            return None
        if self.is_time and unit is not None:
            return time_column(source, unit, required=self.required)
        return Column(source, self.dtype, self.required)


class Layout:
    """The options of a feed, held against the contract of its table."""

    def __init__(self, options: FilesOptions, table: str) -> None:
        """Reads nothing.

        Raises:
            ConfigurationError: the options do not fit the table; the text names the key.
        """
        if table != options.table:
            raise ConfigurationError(
                f"a feed of the files source has one table: its options are of {options.table}, and {table} was asked "
                f"for; make a feed for each"
            )
        self.table: Table = table_named(table)
        self.schema: Schema = self.table.schema
        self.clock = _clock(options, self.table)
        self.identity = options.identity
        self._targets = [self._target(name, column) for name, column in options.columns.items()]
        self._must_be_complete()

    @property
    def columns(self) -> list[Column]:
        """Return what is read of the vendor's columns."""
        return [column for target in self._targets if (column := target.column()) is not None]

    @property
    def delivery(self) -> Delivery:
        """See the port."""
        return Delivery(self.schema, clock=self.clock, identity=self.identity)

    def rows(self, block: Block, vendor_symbol: str) -> tuple[pl.DataFrame, list[Fault]]:
        """Return a block's records as rows of the table, and what is wrong with them."""
        values: dict[str, pl.Expr] = {}
        more: list[Fault] = []
        frame = block.frame
        for target in self._targets:
            made, faults = _made(target, frame)
            values[target.name] = made
            more += faults
        kinds = {name: column.dtype for name, column in self.schema.columns().items() if name != _NUMBERED}
        if _INSTRUMENT in kinds:
            values.setdefault(_INSTRUMENT, pl.lit(vendor_symbol))
        rows = frame.select(values.get(name, pl.lit(None)).cast(kind).alias(name) for name, kind in kinds.items())
        return rows, with_more(block.faults, more)

    def _target(self, name: str, options: ColumnOptions) -> Target:
        columns = self.schema.columns()
        if name not in columns or name == _NUMBERED:
            known = ", ".join(each for each in columns if each != _NUMBERED)
            raise ConfigurationError(f"options.columns.{name}: {self.table.name} has no such column; it has {known}")
        is_time, dtype = name in self.table.times, columns[name].dtype
        if is_time and options.unit is None and options.source is not None:
            raise ConfigurationError(f"options.columns.{name}: is a time, and needs its unit: s, ms, us, ns or iso8601")
        if options.unit is not None and not is_time:
            raise ConfigurationError(f"options.columns.{name}: is no time, so it has no unit")
        if (options.words or options.value) and dtype != pl.String():
            raise ConfigurationError(f"options.columns.{name}: is no text, so it has neither words nor a value")
        return Target(name, dtype, is_time, not columns[name].nullable, options)

    def _must_be_complete(self) -> None:
        mapped = {target.name for target in self._targets} | {_NUMBERED, _INSTRUMENT}
        if absent := [
            name for name, column in self.schema.columns().items() if not column.nullable and name not in mapped
        ]:
            raise ConfigurationError(f"options.columns: {self.table.name} cannot be without {', '.join(absent)}")
        if unknown := [name for name in (*self.identity, *([self.clock] if self.clock else [])) if name not in mapped]:
            raise ConfigurationError(f"options.columns: has no {', '.join(unknown)}, of which clock or identity speak")


def _clock(options: FilesOptions, table: Table) -> str | None:
    clock = options.clock or next((name for name in ("ts_event", "ts_open") if name in table.order), None)
    if clock is not None and clock not in table.times:
        raise ConfigurationError(f"options.clock: {clock} is no time of {table.name}; it has {', '.join(table.times)}")
    return clock


def _made(target: Target, frame: pl.DataFrame) -> tuple[pl.Expr, list[Fault]]:
    options = target.options
    if options.source is None:
        return pl.lit(options.value), []
    values = frame[options.source]
    if target.is_time and options.unit is not None:
        timed = frame.select(
            values, nanoseconds(options.source, options.unit, values.dtype).alias(f"{options.source} as ns")
        )
        ns = timed.columns[1]
        return pl.lit(timed[ns]), time_faults(timed, options.source, ns, options.unit)
    if options.words is not None:
        return _in_our_words(values, options.words)
    return pl.col(options.source), []


def _in_our_words(values: pl.Series, words: Mapping[str, str | None]) -> tuple[pl.Expr, list[Fault]]:
    name, known = values.name, list(words)
    strange = (~values.is_in(known) & values.is_not_null()).arg_true()
    reasons = [
        Fault(row, f"{name}_is_a_known_word", f"{name} is {values[row]!r}, and words has {', '.join(known)}")
        for row in strange
    ]
    ours = values.replace_strict(known, list(words.values()), default=None, return_dtype=pl.String)
    return pl.lit(ours), reasons
