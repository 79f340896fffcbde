"""CCXT through the whole chain: every record accounted for, ids and holes told, candles equal to the exchange's own."""

from pathlib import Path
from typing import Any

import pytest

from market_data.domain.partition import Partition
from market_data.domain.ports.check import Finding
from market_data.pipeline.chain import Failed, materialize
from market_data.pipeline.workspace import Outcome, Workspace, opened
from market_data.sources.ccxt import Ccxt
from market_data_tests.feeds import settings_of
from market_data_tests.sources.ccxt_case import DAY, ENDPOINT, EXCHANGES, QUICK, SYMBOL, UNHURRIED
from market_data_tests.vendors.ccxt_exchange import CcxtExchange, ccxt_exchange, status

__all__ = ["ccxt_exchange"]

PARTITION = Partition("btc", DAY, "BTC-USDT")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ccxt, "patience", QUICK)


def _stanza(served: CcxtExchange, exchange: str, **options: Any) -> dict[str, dict[str, Any]]:
    given = {"base_url": served.base_url, "rates": list(UNHURRIED), "rate_limit_ms": 0, "candles": ["5m", "1h"]}
    feed = {
        "source": "ccxt",
        "symbols": {"BTC-USDT": SYMBOL},
        "tables": ["instruments", "trades", "vendor_candles"],
        "start": DAY.isoformat(),
        "candles": {"time": ["5m", "1h"]},
        "options": {"exchange": exchange, **given, **options},
    }
    return {"btc": feed}


def _run(workspace: Workspace) -> tuple[dict[str, Outcome], list[Failed], dict[str, Finding]]:
    feed = workspace.feed("btc")
    steps = list(materialize(workspace, feed, PARTITION, feed.assets, ()))
    outcomes = {step.table: step for step in steps if isinstance(step, Outcome)}
    findings = {step.check: step for step in steps if isinstance(step, Finding) and step.table == "trades"}
    bars = [step for step in steps if isinstance(step, Finding) and step.check == "vendor_candles"]
    assert len(bars) == 2 or not outcomes.get("candles")
    findings |= {f"vendor_candles {step.detail['timeframe']}": step for step in bars}
    return outcomes, [step for step in steps if isinstance(step, Failed)], findings


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_day_is_accounted_for_and_its_candles_equal_the_exchanges(
    ccxt_exchange: CcxtExchange, tmp_path: Path, exchange: str
) -> None:
    truth = ccxt_exchange.market.truth.of_the_day(exchange)
    with opened(settings_of(tmp_path, _stanza(ccxt_exchange, exchange))) as workspace:
        outcomes, failed, findings = _run(workspace)
        rows = workspace.warehouse.scan("trades", PARTITION).select("trade_id", "ts_event", "price", "size", "side")
        assert rows.collect().rows() == truth
        again, _, _ = _run(workspace)
    assert not failed
    account = outcomes["trades"].revision.account
    ids = [int(row[0]) for row in truth]
    assert (account.accepted, account.rejected) == (len(truth), 0)
    assert (account.first_id, account.last_id) == (ids[0], ids[-1])
    assert account.id_holes == ids[-1] - ids[0] + 1 - len(ids)
    assert account.records == account.expected == account.accepted + account.deduplicated
    assert account.deduplicated > 0, "overlapping pages hold some twice"
    assert findings["row_account"].passed
    for timeframe in ("5m", "1h"):
        detail = findings[f"vendor_candles {timeframe}"].detail
        # What Binance and Kraken show before the first trade needs the close of the day before, which is not there.
        assert findings[f"vendor_candles {timeframe}"].passed, detail
        assert detail["equal"] > 0
    pages = outcomes["trades"].revision.notes["pages"]["trades.jsonl.zst"]
    assert pages["records"] == pages["before"] + pages["of_the_day"] + pages["after"]
    assert [outcome.changed for outcome in again.values()] == [False] * len(again)
    assert not any(outcome.fetched for outcome in again.values())


def test_a_day_with_a_failed_page_is_not_there_and_the_next_run_asks_for_the_rest(
    ccxt_exchange: CcxtExchange, tmp_path: Path
) -> None:
    ccxt_exchange.fail(ENDPOINT["binance"], status(500, "<html>"), times=4, skip=6)
    with opened(settings_of(tmp_path, _stanza(ccxt_exchange, "binance", page_size=200))) as workspace:
        outcomes, failed, _ = _run(workspace)
        assert sorted(outcomes) == ["instruments", "vendor_candles"]
        assert [each.table for each in failed] == ["trades"]
        assert "page 5 failed at" in str(failed[0])
        assert workspace.warehouse.current("trades", PARTITION) is None
        asked = len(ccxt_exchange.asked("aggTrades"))
        outcomes, failed, _ = _run(workspace)
        assert not failed
        assert outcomes["trades"].revision.rows == len(ccxt_exchange.market.truth.of_the_day("binance"))
        pages = outcomes["trades"].revision.notes["pages"]["trades.jsonl.zst"]["pages"]
        assert len(ccxt_exchange.asked("aggTrades")) - asked == pages - 4


def test_candles_alone_are_a_feed(ccxt_exchange: CcxtExchange, tmp_path: Path) -> None:
    stanza = _stanza(ccxt_exchange, "kraken")
    stanza["btc"]["tables"] = ["vendor_candles"]
    with opened(settings_of(tmp_path, stanza)) as workspace:
        outcomes, failed, _ = _run(workspace)
    assert not failed
    assert outcomes["vendor_candles"].revision.rows == 288 + 24
