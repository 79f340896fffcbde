"""The venue's statistics against the day's trades, where the two speak of the same."""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl
from pydantic import Field

from market_data.domain.check_support.detail import FIRST, instant
from market_data.domain.check_support.rules import Rule, columns_of, judged
from market_data.domain.check_support.tables import clock_of, nothing_to_judge
from market_data.domain.ports.check import Check, Dimension, Finding, PartitionView, Thresholds
from market_data.domain.time import day_bounds

_HIGH, _LOW = "trading_session_high_price", "trading_session_low_price"
_OPEN, _SETTLEMENT, _VOLUME = "opening_price", "settlement_price", "cleared_volume"
"""What Databento calls them; a source of another vendor gives its own by the same names."""
_KINDS = (_HIGH, _LOW, _OPEN, _SETTLEMENT, _VOLUME)
_DELETED = 2
_ROUNDING = 1e-12
"""Of a sum of floats."""
Statistic = dict[str, Any]
Session = tuple[int, int]


class Limits(Thresholds):
    """How far statistics and trades may be apart."""

    contradictions: int = Field(default=0, ge=0, description="how many statistics of a kind trades may contradict")
    settlement_off: float = Field(
        default=0.05, ge=0, description="by which share of the price a settlement may lie outside the day's trades"
    )


class Statistics:
    """A session's high, low, open, settlement and volume as its venue publishes them agree with its trades."""

    dimension: Dimension = "consistency"
    tables = ("statistics",)
    thresholds = Limits

    def run(self, view: PartitionView) -> Sequence[Finding]:
        """Return findings of the statistics.

        The venue's session may have begun the day before: only what the trades of the part that is here can contradict
        is judged. A session that begins here must meet its extremes.
        """
        facts = view.facts("statistics")
        if facts is None:
            return nothing_to_judge(view, "statistics", self.tables)
        if "trades" not in view.tables or view.facts("trades") is None:
            note = {"note": "nothing to compare with: there are no trades of the day"}
            return [Finding("statistics", "statistics", True, "info", detail=note)]
        limits = view.thresholds("statistics", "statistics", Limits)
        wrong: dict[str, list[dict[str, Any]]] = {kind: [] for kind in _KINDS}
        compared = 0
        for statistic, session in _last(view):
            compared += 1
            if (found := _contradiction(view, statistic, session, limits)) is not None:
                wrong[statistic["stat_type"]].append(found)
        rules = [
            Rule(kind, "statistics", len(found), limits.contradictions, "warning", {"first": found[:FIRST]})
            for kind, found in wrong.items()
        ]
        return judged("statistics", "statistics", rules, {"rows": facts.rows, "compared": compared})


def _last(view: PartitionView) -> Iterator[tuple[Statistic, Session]]:
    """Yield the last word of each kind for each instrument of each session."""
    columns, at = columns_of(view, "statistics"), pl.col(clock_of(view, "statistics"))
    start, end = day_bounds(view.partition.date)
    of_today = pl.col("ts_ref").is_null() | pl.col("ts_ref").is_between(start, end, closed="left")
    rows = view.scan("statistics").filter(pl.col("stat_type").is_in(_KINDS), of_today)
    if "update_action" in columns:
        rows = rows.filter(pl.col("update_action") != _DELETED)
    said, keys = rows.with_columns(at=at).sort("at", "ordinal").collect(), ["instrument_id", "stat_type"]
    opens = [*(opened for opened, _ in view.sessions), end + 1]
    for session, following in zip(view.sessions, opens[1:], strict=True):
        of_session = said.filter(pl.col("at").is_between(session[0] + 1, following))
        last = of_session.group_by(keys, maintain_order=True).last().sort(keys)
        yield from ((row, session) for row in last.iter_rows(named=True))


def _contradiction(
    view: PartitionView, statistic: Statistic, session: Session, limits: Limits
) -> dict[str, Any] | None:
    kind = statistic["stat_type"]
    value = statistic["quantity"] if kind == _VOLUME else statistic["price"]
    if value is None or (kind == _VOLUME and (statistic["ts_ref"] is None or statistic["at"] < session[1])):
        return None
    of_instrument = _minutes(view, statistic["instrument_id"], session)
    spoken_of = of_instrument.filter(pl.col("last_ns") < statistic["at"])
    if not len(spoken_of):
        return None
    whole = of_instrument if session[0] > day_bounds(view.partition.date)[0] else None
    wrong, ours = _contradicts(kind, float(value), spoken_of, whole, limits)
    row = {"instrument_id": statistic["instrument_id"], "at": instant(statistic["at"])}
    return {**row, "published": float(value), "of_trades": ours} if wrong else None


def _minutes(view: PartitionView, instrument_id: str, session: Session) -> pl.DataFrame:
    """Return an instrument's trades of a session by minute."""
    same = pl.col("instrument_id").is_null() | (pl.col("instrument_id") == instrument_id)
    within = (pl.col("first_ns") >= session[0]) & (pl.col("last_ns") < session[1])
    return view.minutes("trades").filter(same, within, pl.col("low").is_not_null()).sort("minute")


def _contradicts(
    kind: str, value: float, minutes: pl.DataFrame, whole: pl.DataFrame | None, limits: Limits
) -> tuple[bool, list[float]]:
    """Return whether trades contradict a statistic, and their own figures.

    Args:
        minutes: the trades before it was published; a minute in which it was is left out.
        whole: all trades of the session, if its first is among them.
    """
    low, high = minutes["low"].to_list(), minutes["high"].to_list()
    lowest, highest = min(low), max(high)
    if kind == _HIGH:
        return highest > value or (whole is not None and max(whole["high"].to_list()) < value), [highest]
    if kind == _LOW:
        return lowest < value or (whole is not None and min(whole["low"].to_list()) > value), [lowest]
    if kind == _OPEN:
        return whole is not None and not low[0] <= value <= high[0], [low[0], high[0]]
    if kind == _SETTLEMENT:
        room = limits.settlement_off * max(abs(lowest), abs(highest))
        return not lowest - room <= value <= highest + room, [lowest, highest]
    volume = float(sum(minutes["size"].to_list()))
    return volume > value * (1 + _ROUNDING), [volume]


CHECK: Check = Statistics()
