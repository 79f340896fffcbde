"""Clocks and order: what is tolerated, what is told, what fails."""

import pytest

from market_data.domain.checks.ordering import CHECK, Limits
from market_data.domain.ports.check import Finding
from market_data.domain.ports.source import Delivery
from market_data.domain.tables import table
from market_data.domain.time import NS_PER_DAY, NS_PER_SECOND
from market_data_tests.partition_view import START, MemoryView, frame, trade

BY_RECEIPT = {"trades": Delivery(table("trades").schema, "ts_recv")}


def judged(*rows: dict[str, object], by_receipt: bool = False, **limits: float) -> dict[str, Finding]:
    view = MemoryView({"trades": frame("trades", rows)}, limits={("ordering", "trades"): Limits.model_validate(limits)})
    if by_receipt:
        view.deliveries = BY_RECEIPT
    return {finding.detail.get("rule", "passed"): finding for finding in CHECK.run(view)}


def received(number: int, after_ns: int = 1_000) -> dict[str, object]:
    return trade(number, ts_recv=trade(number)["ts_event"] + after_ns)


def test_a_row_received_before_it_happened_is_shown():
    found = judged(received(0), received(1, -1), received(2))
    assert found["received_before_it_happened"].measured == 1.0
    assert [row["ordinal"] for row in found["received_before_it_happened"].detail["first"]] == [1]


def test_a_known_skew_of_clocks_is_tolerated():
    assert set(judged(received(0), received(1, -500), early_ns=500)) == {"passed"}


def test_receipt_that_jitters_passes_and_one_that_jumps_back_does_not():
    late = 10 * NS_PER_SECOND
    assert set(judged(received(0, NS_PER_SECOND * 3 // 2), received(1))) == {"passed"}
    assert set(judged(received(0, late), received(1))) == {"receipt_runs_backwards"}


def test_rows_sent_out_of_order_are_told_and_fail_by_how_far_back_they_go():
    near = [trade(0), trade(1, ordinal=2), trade(2, ordinal=1)]
    assert judged(*near)["passed"].detail["sent_out_of_order"] == 1
    far = [trade(0), trade(1, ordinal=2), trade(60, ordinal=1)]
    assert judged(*far)["clock_runs_backwards"].measured == 1.0


def test_a_row_of_another_day_is_an_error_by_the_partitions_clock_alone():
    before = {"ts_event": START - NS_PER_DAY, "ts_recv": START + 1}
    assert judged(trade(0, **before), received(1))["outside_the_day"].severity == "error"
    found = judged(trade(0, **before), received(1), by_receipt=True)
    assert found["passed"].detail["events_of_another_day"] == 1


@pytest.mark.parametrize("rows", [[], [trade(0)]])
def test_a_table_without_rows_or_times_of_receipt_passes(rows: list[dict[str, object]]):
    assert set(judged(*rows)) == {"passed"}
