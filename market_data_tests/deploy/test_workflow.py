"""What the workflow for GitHub promises. Its grammar is `make check`'s matter."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / ".github" / "workflows" / "ci.yaml").read_text(encoding="utf-8")
WORKFLOW: dict[str, Any] = yaml.safe_load(TEXT)
COMMANDS = [step.get("run", "") for job in WORKFLOW["jobs"].values() for step in job["steps"]]


def test_actions_are_pinned_and_may_read_only() -> None:
    used = re.findall(r"uses: (\S+)", TEXT)
    assert used
    assert [action for action in used if not re.fullmatch(r"\S+@(v\d+|[0-9a-f]{40})", action)] == []
    assert WORKFLOW["permissions"] == {"contents": "read"}


def test_it_checks_tests_builds_and_materializes_one_partition() -> None:
    assert {"make check", "make test", "make image"} <= set(COMMANDS)
    assert any("dagster asset materialize" in command and "--partition '" in command for command in COMMANDS)


def test_an_advisory_stops_no_change() -> None:
    (job,) = (job for job in WORKFLOW["jobs"].values() if any(s.get("run") == "make audit" for s in job["steps"]))
    assert job["continue-on-error"] is True
