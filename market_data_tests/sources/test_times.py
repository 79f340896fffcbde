"""A vendor's times as nanoseconds: exactly, in every unit, and null where they are none."""

import datetime as dt
from typing import get_args

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_data.domain.ports.source import Fault
from market_data.vendor_files.columns import typed
from market_data.vendor_files.times import Unit, nanoseconds, time_column, time_faults, whole_time_column

PER_UNIT = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
LAST = 2**63 - 1


def read(text: str, unit: Unit, *, whole: bool = False) -> tuple[int | None, list[str]]:
    """The instant of a text as a feed's column of that unit reads it, and what is said against it."""
    column = whole_time_column("t") if whole else time_column("t", unit)
    faults: dict[int, Fault] = {}
    frame = typed(pl.DataFrame({"t": [text]}, schema={"t": pl.String}), [column], faults)
    frame = frame.with_columns(nanoseconds("t", unit, column.dtype).alias("ns"))
    said = [*faults.values(), *time_faults(frame, "t", "ns", unit)]
    return frame["ns"][0], [fault.reason for fault in said]


@settings(deadline=None)
@given(ns=st.integers(0, LAST), unit=st.sampled_from(list(PER_UNIT)))
def test_an_instant_in_any_unit_is_itself(ns: int, unit: Unit) -> None:
    per, digits = PER_UNIT[unit], len(str(PER_UNIT[unit])) - 1
    whole, rest = divmod(ns, per)
    text = f"{whole}.{rest:0{digits}d}" if digits else str(whole)
    assert read(text, unit) == (ns, [])
    assert read(str(whole), unit) == read(str(whole), unit, whole=True) == (whole * per, [])


@settings(deadline=None)
@given(value=st.integers(-(2**63), 2**63 - 1), unit=st.sampled_from(list(PER_UNIT)), whole=st.booleans())
def test_a_time_never_wraps(value: int, unit: Unit, whole: bool) -> None:
    ns, said = read(str(value), unit, whole=whole)
    fits = 0 <= value * PER_UNIT[unit] <= LAST
    assert (ns, bool(said)) == ((value * PER_UNIT[unit], False) if fits else (None, True))


@settings(deadline=None)
@given(
    seconds=st.integers(86_400, 9_200_000_000),
    us=st.integers(0, 999_999),
    ns=st.integers(0, 999),
    minutes=st.integers(-840, 840),
    separator=st.sampled_from("T "),
)
def test_an_iso_text_is_its_instant(seconds: int, us: int, ns: int, minutes: int, separator: str) -> None:
    zone = dt.timezone(dt.timedelta(minutes=minutes))
    aware = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds, microseconds=us)
    exact = seconds * 10**9 + us * 1_000 + ns
    for text_of, offset in ((aware, "Z"), (aware, ""), (aware.astimezone(zone), f"{aware.astimezone(zone):%z}")):
        text = f"{text_of:%Y-%m-%d}{separator}{text_of:%H:%M:%S.%f}{ns:03d}{offset}"
        assert read(text, "iso8601") == (exact, [])


@pytest.mark.parametrize("unit", get_args(Unit))
@pytest.mark.parametrize(
    "text", ["x", "2024-13-01T00:00:00Z", "1969-12-31T23:59:59Z", "-1", "1e30", "2500-01-01 00:00:00"]
)
def test_what_is_no_time_is_a_fault(unit: Unit, text: str) -> None:
    ns, said = read(text, unit)
    assert ns is None
    assert len(said) == 1
    assert said[0].startswith("t ")
