"""What deploy/compose promises: hardened services, nothing published but on loopback, no secret but in files."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "deploy" / "compose"
FILE: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
each = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())


def test_the_whole_platform_is_there() -> None:
    platform = {"webserver", "daemon", "code", "worker-1", "worker-2", "postgres", "redis"}
    assert {name for name, service in SERVICES.items() if "profiles" not in service} == platform


@each
def test_a_service_is_watched_restarted_and_can_do_little(service: dict[str, Any]) -> None:
    assert service["healthcheck"]["test"]
    assert service["restart"] == "unless-stopped"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
    assert service["mem_limit"]
    assert "privileged" not in service


@each
def test_what_is_published_is_published_on_loopback(service: dict[str, Any]) -> None:
    assert [port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")] == []


@each
def test_no_secret_stands_in_an_environment(service: dict[str, Any]) -> None:
    suspicious = re.compile(r"KEY|TOKEN|PASSWORD|SECRET|_URL")
    named = [name for name in service.get("environment", {}) if suspicious.search(name) and not name.endswith("_FILE")]
    assert named == []
    assert not re.search(r"[a-z]+://[^ ]*:[^ ]*@", str(service))


@each
def test_a_database_is_reached_from_inside_only(service: dict[str, Any]) -> None:
    assert FILE["networks"]["inside"] == {"internal": True}
    if "market-data" not in service["image"]:
        assert service["networks"] == ["inside"]


def test_every_secret_is_a_file_that_a_service_has() -> None:
    assert all(set(secret) == {"file"} for secret in FILE["secrets"].values())
    assert {name for service in SERVICES.values() for name in service["secrets"]} == set(FILE["secrets"])


def test_the_vendors_keys_are_for_those_who_fetch() -> None:
    holders = {name for name, service in SERVICES.items() if any(s.endswith("_API_KEY") for s in service["secrets"])}
    assert holders == {"code", "worker-1", "worker-2"}


def test_the_instance_is_the_images_own() -> None:
    mounted = [volume.split(":")[1] for service in SERVICES.values() for volume in service.get("volumes", [])]
    assert "/app/workspace.yaml" in mounted
    assert "/app/dagster.yaml" not in mounted


def test_secrets_are_made_once_and_for_their_owner(tmp_path: Path) -> None:
    folder = tmp_path / "deploy" / "compose"
    (tmp_path / "market_data" / "config").mkdir(parents=True)
    (tmp_path / "market_data" / "config" / "feeds.yaml").write_text("feeds: {}\n")
    folder.mkdir(parents=True)
    (folder / "up.sh").write_bytes((COMPOSE / "up.sh").read_bytes())

    def made() -> dict[str, str]:
        subprocess.run(["sh", str(folder / "up.sh"), "prepare"], check=True)
        return {path.name: path.read_text() for path in (folder / "secrets").iterdir()}

    first = made()
    assert set(first) == {Path(secret["file"]).name for secret in FILE["secrets"].values()}
    assert first["postgres_password"].strip() in first["MARKET_DATA_POSTGRES_URL"]
    assert len(first["postgres_password"].strip()) == 48
    assert (folder / "secrets").stat().st_mode & 0o777 == 0o700
    assert made() == first
