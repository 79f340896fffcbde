"""The platform's own variables: what is read, what is refused, what is not shown."""

from pathlib import Path

import pytest

from market_data.domain.errors import ConfigurationError
from market_data.settings.environment import Environment, Secret
from market_data.settings.home import home_of

PASSWORD = "hunter2"  # pragma: allowlist secret


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("MARKET_DATA_HOME", "MARKET_DATA_LEDGER_URL", "MARKET_DATA_POSTGRES_URL"):
        monkeypatch.delenv(name, raising=False)


def test_variables_come_from_the_environment_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("MARKET_DATA_HOME=/of/the/file\nMARKET_DATA_WATCH_SECONDS=5\nMARKET_DATA_SCRATCH=\n")
    monkeypatch.setenv("MARKET_DATA_HOME", "/of/the/environment")
    monkeypatch.setenv("MARKET_DATA_CACHE_GB", "0.5")
    found = Environment()
    assert str(found.home) == "/of/the/environment"
    assert (found.watch_seconds, found.cache_gb, found.scratch) == (5, 0.5, None)


def test_what_is_given_goes_before_the_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKET_DATA_HOME", "/of/the/environment")
    assert Environment(home="/given").home == "/given"
    with pytest.raises(TypeError, match="no hom"):
        Environment(hom="/given")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("WATCH_SECONDS", "often", "MARKET_DATA_WATCH_SECONDS is 'often'; expected a whole number"),
        ("CACHE_GB", "much", "MARKET_DATA_CACHE_GB is 'much'; expected a number"),
        ("CACHE_GB", "-1", "MARKET_DATA_CACHE_GB is -1.0; expected a number, at least 0"),
        ("CACHE_GB", "nan", "MARKET_DATA_CACHE_GB is nan; expected a number, at least 0"),
        ("CACHE_GB", "inf", "MARKET_DATA_CACHE_GB is inf; expected a number, at least 0"),
        ("LOG_FORMAT", "xml", "MARKET_DATA_LOG_FORMAT is 'xml'; expected text or json"),
    ],
)
def test_what_is_no_value_of_its_kind_is_refused_by_name(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"MARKET_DATA_{name}", value)
    with pytest.raises(ConfigurationError) as refused:
        Environment()
    assert str(refused.value) == said


def test_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKET_DATA_LEDGER_URL", f"postgresql://desk:{PASSWORD}@host/books")
    environment = Environment()
    assert environment.ledger_url == Secret(f"postgresql://desk:{PASSWORD}@host/books")
    assert PASSWORD not in f"{environment!r} {environment.ledger_url} {home_of(environment)!r}"


def test_the_ledger_lies_in_the_home_unless_a_database_is_named(tmp_path: Path) -> None:
    assert home_of(Environment()).database.get_secret_value() == f"sqlite:///{tmp_path}/data/ledger.db"
    named = Environment(postgres_url="postgresql://a@b/c", ledger_url="postgresql://a@b/d")
    assert home_of(named).database.get_secret_value() == "postgresql://a@b/d"


def test_a_home_whose_path_a_url_would_cut_short_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKET_DATA_HOME", "/of/what?")
    with pytest.raises(ConfigurationError, match=r"/of/what\? has a `\?` in its path"):
        home_of(Environment())
