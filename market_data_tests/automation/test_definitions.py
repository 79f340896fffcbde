"""The code location: what it holds, and that loading it waits for nothing that is not needed."""

import subprocess
import sys
from pathlib import Path

from dagster import AssetKey

from market_data.definitions import build_defs
from market_data_tests.feeds import settings_of, simulated

HEAVY = ("ccxt", "databento", "exchange_calendars", "pandas", "httpx", "pyarrow", "dataframely")


def test_a_feed_is_an_asset_group_with_one_asset_a_table(tmp_path: Path) -> None:
    defs = build_defs(settings_of(tmp_path, {"one": simulated(), "two": simulated(tables=["trades"])}))
    graph = defs.resolve_asset_graph()
    assert {key.to_user_string() for key in graph.get_all_asset_keys() if key.path[0] == "two"} == {
        "two/trades",
        "two/candles",
        "two/quality_reports",
    }
    assert graph.get(AssetKey(["one", "candles"])).parent_keys == {AssetKey(["one", "trades"])}
    assert graph.get(AssetKey(["one", "trades"])).group_name == "one"


def test_loading_the_location_imports_no_vendor_sdk_and_no_engine_of_the_pipeline() -> None:
    code = f"import sys, market_data.definitions; print([m for m in {HEAVY!r} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
