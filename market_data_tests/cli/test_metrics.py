"""`market-data metrics`, scraped over HTTP as Prometheus does, and its alert rules."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from market_data.domain.partition import Partition
from market_data.ledger.spending import Allowance
from market_data.operations.metrics import MEANINGS
from market_data.warehouse.store import Warehouse
from market_data_tests.cli.conftest import Home
from market_data_tests.partitions import enter, row_of

prometheus_client = pytest.importorskip("prometheus_client")

RULES = Path(__file__).parents[2] / "docs" / "monitoring" / "alerts.yml"
Samples = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]


@contextmanager
def serving(home: Home) -> Generator[Callable[[], str]]:
    """The command in a process of its own; what it answers."""
    command = [sys.executable, "-uc", "from market_data.cli import main; main()", "metrics", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | home.environment)
    assert process.stdout is not None
    try:
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found is not None
        address = found[0]
        with httpx.Client(trust_env=False, timeout=60) as client:
            yield lambda: client.get(address).raise_for_status().text
    finally:
        process.send_signal(signal.SIGTERM)
        process.stdout.close()
        assert process.wait(60) == 0


def samples(text: str) -> Samples:
    from prometheus_client.parser import text_string_to_metric_families

    families = [*text_string_to_metric_families(text)]
    assert all(family.documentation for family in families)
    found = [sample for family in families for sample in family.samples]
    return {(each.name, tuple(sorted(each.labels.items()))): each.value for each in found}


def of(found: Samples, name: str, **labels: str) -> float:
    return found[f"market_data_{name}", tuple(sorted(labels.items()))]


def test_a_scrape_tells_what_the_ledger_has(home: Home, warehouse: Warehouse) -> None:
    feed = home.settings.feeds["sim"]
    report = feed.partition("AAA-USD", feed.start)
    notes = {"findings": 9, "not_passed": {"warning": 2, "critical": 1}, "failing": 3}
    enter(warehouse.ledger, [row_of("quality_reports", report, notes=notes)])
    warehouse.ledger.spending.enter(report, "trades", "run-1", 1.25, "trades", Allowance(None, None))
    path = home.settings.vendors / "simulated" / "breaker.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"failures": 3, "openings": 1, "until": 4e9, "last_success": 1.7e9}))
    with serving(home) as scrape:
        found = samples(scrape())
    trades = {"feed": "sim", "table": "trades"}
    assert of(found, "partitions", **trades) == 3
    assert of(found, "rows", **trades) == 4
    assert of(found, "quarantined_records", **trades) == 2
    assert of(found, "stored_bytes", **trades) > 0
    assert of(found, "revisions_total", **trades) == 3
    assert of(found, "failed_findings", feed="sim", severity="warning") == 2
    assert of(found, "failed_findings", feed="sim", severity="critical") == 1
    assert of(found, "failed_findings", feed="sim", severity="error") == 0
    assert of(found, "spent_usd_total", **trades) == 1.25
    assert of(found, "overdue_seconds", **trades) > 86_400
    assert of(found, "vendor_circuit_open", vendor="simulated") == 1
    assert of(found, "vendor_last_success_timestamp_seconds", vendor="simulated") == 1.7e9
    assert 0 < of(found, "disk_free_bytes") < of(found, "disk_size_bytes")
    assert {value for (name, _), value in found.items() if name == "market_data_collector_success"} == {1.0}


def test_a_group_that_fails_is_told_and_hides_no_other(home: Home) -> None:
    path = home.settings.vendors / "simulated" / "breaker.json"
    path.parent.mkdir(parents=True)
    path.write_text("not json")
    found = samples("\n".join([*home.lines("metrics", "--once"), ""]))
    assert of(found, "collector_success", collector="vendors") == 0
    assert of(found, "collector_success", collector="current") == 1
    assert of(found, "partitions", feed="sim", table="trades") == 3


def test_scrapes_close_together_are_answered_from_one_gathering(home: Home, warehouse: Warehouse) -> None:
    with serving(home) as scrape:
        first = scrape()
        enter(warehouse.ledger, [row_of("trades", Partition("sim", home.settings.feeds["sim"].start, "BBB-USD"))])
        assert scrape() == first


def test_a_port_that_is_taken_is_said(home: Home) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = home.run("metrics", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 1
    assert "error: cannot listen at 127.0.0.1:" in result.stderr


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_accepts_the_figures_and_the_rules(home: Home) -> None:
    text = home.run("metrics", "--once").stdout
    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    done = subprocess.run(["promtool", "check", "rules", RULES], text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_ask_for_figures_that_there_are() -> None:
    groups: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"]
    asked = {
        name for group in groups for rule in group["rules"] for name in re.findall(r"market_data_\w+", rule["expr"])
    }
    known = {f"market_data_{name}" for name in (*MEANINGS, "collector_success")}
    assert asked - known == set()
    assert len(asked) > 5
