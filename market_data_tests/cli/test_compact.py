"""`market-data compact`, and what `market-data sweep` says of the end of history."""

import datetime as dt
import json
from pathlib import Path

import yaml
from sqlalchemy import update

from market_data.ledger.schema import revisions
from market_data.warehouse.store import Warehouse
from market_data_tests.cli.conftest import Home
from market_data_tests.partition_view import trade
from market_data_tests.partitions import put

QUERY = "SELECT feed, symbol, date, price FROM trades ORDER BY ALL"


def test_it_tells_what_it_would_do_and_what_it_did(home: Home) -> None:
    before = home.lines("query", "--json", QUERY)
    (planned,) = json.loads(home.lines("compact", "--dry-run", "--json")[0])
    assert planned | {"bytes": 0} == {
        "table": "trades", "feed": "sim", "symbol": "AAA-USD", "month": "2024-01", "files": 3, "bytes": 0
    }  # fmt: skip
    assert home.lines("compact", "--feed", "sim", "--tables", "candles") == [
        "0 months compacted: 0 files of 0 B are 0 of 0 B"
    ]
    (done,) = json.loads(home.lines("compact", "--json")[0])
    assert (done["days"], done["files"], done["left_out"]) == (3, 3, [])
    assert 0 < done["bytes_after"] < done["bytes"]
    assert home.lines("compact", "--dry-run") == ["0 months would be compacted"]
    assert home.lines("query", "--json", QUERY) == before


def test_an_unknown_feed_is_refused(home: Home) -> None:
    assert home.run("compact", "--feed", "nosuch").exit_code == 2


def test_what_is_damaged_is_told(home: Home, warehouse: Warehouse) -> None:
    first = warehouse.ledger.find()[1]
    Path(warehouse.root, first.path).write_bytes(b"damaged")
    told = home.lines("compact")
    assert told[0].startswith("left as it is: trades ")
    assert "has 7 bytes instead of" in told[0]


def test_history_ends_where_the_configuration_says_so(home: Home, warehouse: Warehouse) -> None:
    feed = home.settings.feeds["sim"]
    put(warehouse, "trades", feed.partition("AAA-USD", dt.date(2024, 1, 15)), [trade(0, price="7")])
    document = yaml.safe_load(home.settings.config_path.read_text(encoding="utf-8"))
    home.settings.config_path.write_text(yaml.safe_dump({**document, "upkeep": {"history": "1d"}}), encoding="utf-8")
    assert home.lines("sweep") == ["removed: 0"]  # it was superseded a moment ago
    assert home.run("query", "--as-of", "1", QUERY).exit_code == 0
    with warehouse.ledger.writing() as connection:
        connection.execute(update(revisions).where(revisions.c.superseded_ns > 0).values(superseded_ns=1))
    assert home.lines("sweep") == ["removed: 0"]
    refused = home.run("query", "--as-of", "1", QUERY)
    assert refused.exit_code == 2
    assert "history is whole since commit 5" in refused.stderr
