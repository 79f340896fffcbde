"""Proving, batch by batch and in constant memory, that rows come in order. What fails is merely not proved."""

from dataclasses import dataclass

import polars as pl


@dataclass(slots=True)
class Ascending:
    """Whether the values of some columns ascend from row to row, compared as tuples.

    Attributes:
        columns: compared from left to right; none at all always ascend.
        strictly: whether equal neighbours break it; strictly ascending values are unique.
        whole_numbers: the one column holds whole numbers, perhaps as text; then `span` is kept.
        holds: what was found so far.
        span: smallest and greatest number seen.
    """

    columns: tuple[str, ...]
    strictly: bool = False
    whole_numbers: bool = False
    holds: bool = True
    span: tuple[int, int] | None = None
    _last: pl.DataFrame | None = None

    def see(self, frame: pl.DataFrame) -> None:
        """Take the next rows into account."""
        if not self.columns or not len(frame):
            return
        rows = self._values(frame)
        self._widen(rows)
        if not self.holds:
            return
        joined = rows if self._last is None else pl.concat([self._last, rows])
        self._last = rows.tail(1)
        self.holds = bool(joined.select(self._ascends(joined).all()).item())

    def _values(self, frame: pl.DataFrame) -> pl.DataFrame:
        rows = frame.select(self.columns)
        return rows.cast(pl.Int64) if self.whole_numbers else rows

    def _widen(self, rows: pl.DataFrame) -> None:
        if self.whole_numbers:
            (name,) = self.columns
            low, high = rows[name].min(), rows[name].max()
            if isinstance(low, int) and isinstance(high, int):
                self.span = (low, high) if self.span is None else (min(low, self.span[0]), max(high, self.span[1]))

    def _ascends(self, rows: pl.DataFrame) -> pl.Expr:
        """Return whether a column is the same everywhere; one without any value is.

        One with some has no order that could be proved.
        """
        told = [name for name in self.columns if rows[name].null_count() < len(rows)]
        if not told or any(rows[name].null_count() for name in told):
            return pl.lit(not told and not (self.strictly and len(rows) > 1))
        *above, last = told
        before, here = pl.col(last).shift(), pl.col(last)
        ascends = before < here if self.strictly else before <= here
        for name in reversed(above):
            before, here = pl.col(name).shift(), pl.col(name)
            ascends = (before < here) | ((before == here) & ascends)
        return ascends.fill_null(True)
