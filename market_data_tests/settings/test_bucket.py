"""A home on a bucket: what names one, what must stand beside it, and that no password shows."""

from pathlib import Path

import pytest

from market_data.domain.errors import ConfigurationError
from market_data.ledger.ledger import Ledger
from market_data.settings import Environment, Settings, load_settings
from market_data.settings.bucket import bucket_home
from market_data.sources import catalog

LEDGER = "postgresql://desk:hidden-word@db/market_data"


def load(tmp_path: Path, home: str, **environment: object) -> Settings:
    path = tmp_path / "feeds.yaml"
    path.write_text("feeds: {}", encoding="utf-8")
    given = {"home": home, "config": path, "scratch": tmp_path / "scratch", "ledger_url": LEDGER, **environment}
    return load_settings(catalog(), Environment(**given))


@pytest.mark.parametrize(
    "url", ["s3://bucket", "s3://bucket/a/b=c", "gs://bucket/prefix", "az://container/p", "s3://b.c/p/"]
)
def test_a_bucket_may_be_a_home_with_its_scratch_folder_beside(tmp_path: Path, url: str) -> None:
    settings = load(tmp_path, url)
    assert settings.place == url.rstrip("/")
    assert settings.home.parent == tmp_path / "scratch"
    assert settings.is_made


def test_two_buckets_have_two_scratch_folders(tmp_path: Path) -> None:
    urls = ("s3://bucket/a-b", "s3://bucket/a/b", "gs://bucket/a/b")
    folders = {load(tmp_path, url).home for url in urls}
    folders.add(load(tmp_path, urls[0], bucket_endpoint="http://127.0.0.1:9000").home)
    assert len(folders) == 4


def test_a_folder_is_a_home_as_ever(tmp_path: Path) -> None:
    settings = load(tmp_path, str(tmp_path / "home"), ledger_url=None)
    assert (settings.bucket, settings.home, settings.place) == (None, tmp_path / "home", str(tmp_path / "home"))
    assert settings.database.get_secret_value() == f"sqlite:///{tmp_path}/home/ledger.db"


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "http://host/x",
        "s3://bucket/../x",
        "s3://me:hidden-word@bucket/x",
        "s3://bucket/a b",
        "s3:///x",
        "s3:/bucket",
        "S3://b",
    ],
)
def test_what_is_no_bucket_is_refused_without_a_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigurationError, match="expected a folder, or s3://bucket/prefix") as told:
        load(tmp_path, url)
    assert "hidden-word" not in str(told.value)


def test_a_bucket_without_a_ledger_is_refused_in_words_that_help(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="MARKET_DATA_POSTGRES_URL, such as postgresql://"):
        load(tmp_path, "s3://bucket/home", ledger_url=None)


@pytest.mark.parametrize("endpoint", ["127.0.0.1:9000", "ftp://host", "http://me:hidden-word@host", "http://host?x=1"])
def test_an_endpoint_is_an_address_alone(tmp_path: Path, endpoint: str) -> None:
    with pytest.raises(ConfigurationError, match="MARKET_DATA_BUCKET_ENDPOINT: expected http") as told:
        load(tmp_path, "s3://bucket/home", bucket_endpoint=endpoint)
    assert "hidden-word" not in str(told.value)


def test_the_ledgers_password_shows_nowhere(tmp_path: Path) -> None:
    settings = load(tmp_path, "s3://bucket/home")
    assert "hidden-word" not in repr(settings)
    assert "hidden-word" not in settings.model_dump_json()
    assert settings.database.get_secret_value() == LEDGER


@pytest.mark.parametrize("url", ["hidden-word", "nodatabase://desk:hidden-word@db/x"])
def test_a_ledgers_url_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match="MARKET_DATA_LEDGER_URL") as told:
        Ledger(url)
    assert "hidden-word" not in str(told.value)


def test_the_cache_is_as_large_as_was_asked(tmp_path: Path) -> None:
    found = bucket_home(Environment(home="s3://b/h", ledger_url=LEDGER, cache_gb=0.5))
    assert found is not None
    assert found.cache_bytes == 500_000_000
