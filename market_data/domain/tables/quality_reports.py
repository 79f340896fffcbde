"""What the checks say of a partition: one row a finding."""

import dataframely as dy
import polars as pl

from market_data.domain.contract import Table


class QualityReports(dy.Schema):
    """`measured` and `threshold` are in the check's own unit, named in `detail` (a JSON object)."""

    table = dy.String(nullable=False)
    check = dy.String(nullable=False)
    severity = dy.String(nullable=False)
    passed = dy.Bool(nullable=False)
    measured = dy.Float64(nullable=True)
    threshold = dy.Float64(nullable=True)
    detail = dy.String(nullable=False)

    @dy.rule()
    def severity_is_known(cls) -> pl.Expr:
        return cls.severity.col.is_in(["info", "warning", "error", "critical"])


TABLE = Table(
    name="quality_reports",
    schema=QualityReports,
    order=("table", "check"),
    repetitive=("table", "check", "severity"),
)
