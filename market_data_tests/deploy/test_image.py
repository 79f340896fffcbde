"""What gets into the image and how a container of it starts: the files of docker/, run by a plain shell."""

import os
import re
import stat
import subprocess
from pathlib import Path

import pytest
from pathspec import PathSpec

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
FINAL_STAGE = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".env.production",
        "market_data/.env",
        "market_data/config/.env.local",
        "feeds.yaml",
        "data/ledger.db",
        "data/dagster/dagster.yaml",
        "deploy/compose/secrets/postgres_password",
        "deploy/kubernetes/secret.yaml",
        ".git/config",
        ".venv/pyvenv.cfg",
        "docker/.env",
    ],
)
def test_no_secret_and_no_data_reaches_the_builder(path: str) -> None:
    assert not _reaches_the_builder(path)


def test_what_the_image_is_made_of_reaches_the_builder() -> None:
    copied = re.findall(r"^COPY (?!--from)(?:--\S+ )*(.+) \S+$", DOCKERFILE, re.MULTILINE)
    paths = [path for line in copied for path in line.split()]
    files = [ROOT / path if (ROOT / path).is_file() else next((ROOT / path).glob("*.py")) for path in paths]
    assert "requirements-deploy.lock" in paths
    assert [path for path in files if not _reaches_the_builder(path.relative_to(ROOT).as_posix())] == []


def _reaches_the_builder(path: str) -> bool:
    # Docker's rules begin at the root, git's anywhere.
    rules = [line.replace("!", "!/") for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()]
    return not PathSpec.from_lines("gitignore", rules).match_file(path)


def test_every_package_comes_from_a_lock_with_its_hash() -> None:
    installs = re.findall(r"pip (?:--python \S+ )?install (?:[^\n]*\\\n)*[^\n]*", DOCKERFILE)
    assert len(installs) == 3
    assert [line for line in installs if "--require-hashes" not in line and "--no-index" not in line] == []


def test_the_image_runs_as_nobody_in_particular_with_bytecode_and_a_health_check() -> None:
    assert "\nUSER 10001:10001\n" in FINAL_STAGE
    assert "\nHEALTHCHECK " in FINAL_STAGE
    assert "PYTHONDONTWRITEBYTECODE" not in DOCKERFILE
    assert "apt-get" not in FINAL_STAGE
    assert re.findall(r"^(?:ARG|ENV) .*(?:KEY|TOKEN|PASSWORD|SECRET)", DOCKERFILE, re.MULTILINE) == []


def start(tmp_path: Path, *words: str, **variables: str) -> str:
    """What a container with these words prints, the programs of the image being ones that print how they are called."""
    programs = tmp_path / "bin"
    programs.mkdir(exist_ok=True)
    for name in ("dagster", "dagster-webserver", "dagster-daemon", "market-data"):
        program = programs / name
        program.write_text(f'#!/bin/sh\necho {name} "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    environment = {"PATH": f"{programs}:{os.defpath}", "DAGSTER_HOME": str(tmp_path / "home"), **variables}
    environment.setdefault("MARKET_DATA_SECRETS", str(tmp_path / "none"))
    command = ["sh", str(ROOT / "docker/entrypoint.sh"), *words]
    return subprocess.check_output(command, env=environment, text=True)


@pytest.mark.parametrize("role", ["webserver", "code-server", "dev"])
def test_a_role_listens_on_loopback_unless_told_otherwise(tmp_path: Path, role: str) -> None:
    assert " -h 127.0.0.1 " in start(tmp_path, role)
    assert " -h 10.9.8.7 " in start(tmp_path, role, MARKET_DATA_BIND="10.9.8.7")


@pytest.mark.parametrize(
    ("words", "program"),
    [
        (["webserver"], "dagster-webserver -w"),
        (["daemon"], "dagster-daemon run -w"),
        (["code-server"], "dagster code-server start"),
        (["worker"], "market-data worker --name worker"),
        ([], "dagster dev"),
        (["dagster", "api", "execute_run"], "dagster api execute_run"),
    ],
)
def test_the_first_word_is_the_role_or_a_command(tmp_path: Path, words: list[str], program: str) -> None:
    assert start(tmp_path, *words).startswith(program)


def test_a_file_becomes_the_variable_of_its_name(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "DATABENTO_API_KEY").write_text("from a file\n")
    (secrets / "TARDIS_API_KEY").write_text("")
    (secrets / "postgres_password").write_text("not a variable's name")
    (secrets / "SET_ALREADY").write_text("from a file")
    seen = start(tmp_path, "env", MARKET_DATA_SECRETS=str(secrets), SET_ALREADY="by hand").splitlines()
    assert "DATABENTO_API_KEY=from a file" in seen
    assert "SET_ALREADY=by hand" in seen
    assert [line for line in seen if line.startswith(("TARDIS_API_KEY", "postgres_password"))] == []


def test_a_new_image_brings_its_configuration_and_one_of_your_own_stays(tmp_path: Path) -> None:
    configuration = tmp_path / "home" / "dagster.yaml"
    start(tmp_path, "true")
    assert configuration.readlink() == Path("/app/dagster.yaml")
    configuration.unlink()
    configuration.write_text("mine")
    start(tmp_path, "true")
    assert configuration.read_text() == "mine"
