"""Opening what the environment names, as much of it as a command needs: ledger, warehouse, or all as a workspace.

Feeds' stanzas are judged for a workspace alone: it takes pydantic and every source, which others need not wait for.
Who only reads goes round SQLAlchemy, too.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from market_data.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from market_data.ledger.ledger import Ledger
    from market_data.ledger.reader import Reader
    from market_data.pipeline.workspace import Workspace
    from market_data.settings import Feed
    from market_data.settings.home import Home
    from market_data.settings.outline import Outlined
    from market_data.warehouse.sql import Moment, WarehouseConnection
    from market_data.warehouse.store import Warehouse


def check_feed(name: str | None) -> None:
    """Refuse a feed's name that the feeds file does not have, if one is given, before anything heavy is imported.

    Raises:
        ConfigurationError: there is no such feed.
    """
    if name is not None:
        from market_data.settings.environment import Environment
        from market_data.settings.feeds_file import must_be_a_feed

        must_be_a_feed(Environment().config_path, name)


def check_home() -> None:
    """Refuse a home that is not there, before anything heavy is imported.

    Raises:
        ConfigurationError: there is nothing at `MARKET_DATA_HOME` yet.
    """
    _home(must_exist=True)


def outlined(name: str | None = None) -> "Mapping[str, Outlined]":
    """Return what the feeds file tells of every feed, or of one; the stanzas are judged only where one is not plain.

    Raises:
        ConfigurationError: there is no such feed, or the file is wrong.
    """
    check_feed(name)
    from market_data.settings.environment import Environment
    from market_data.settings.outline import outlines

    found = outlines(Environment().config_path)
    feeds: Mapping[str, Outlined] = judged() if found is None else found
    return feeds if name is None else {name: feeds[name]}


def judged() -> "Mapping[str, Feed]":
    """Return every feed, its stanza judged.

    Raises:
        ConfigurationError: the configuration is wrong.
    """
    from market_data.settings import load_settings
    from market_data.sources import catalog

    return load_settings(catalog()).feeds


@contextmanager
def open_workspace(*, must_exist: bool = True, feed: str | None = None) -> Generator["Workspace"]:
    """Open the workspace that the environment names.

    Args:
        must_exist: whether there must be something at `MARKET_DATA_HOME`.
        feed: the name of one that the command is about.

    Raises:
        ConfigurationError: there is nothing there yet, no such feed, or the configuration is wrong.
    """
    check_feed(feed)
    _home(must_exist=must_exist)
    from market_data.pipeline.workspace import opened
    from market_data.settings import load_settings
    from market_data.sources import catalog

    with opened(load_settings(catalog())) as found:
        yield found


@contextmanager
def open_reader() -> Generator["Reader"]:
    """Open the ledger for reading alone, as of one instant, by the light way where that can be.

    Raises:
        ConfigurationError: the ledger's database refuses.
    """
    from market_data.ledger.plain_reader import NothingYet, plain_reader

    home = _home(must_exist=False)
    if not (home.ledger_url or home.postgres_url or home.ledger.exists()):
        yield NothingYet()  # who looks makes nothing
        return
    with plain_reader(home.database.get_secret_value()) as plain:
        if plain is not None:
            yield plain
            return
    with _ledger(home) as ledger, ledger.reader() as reader:
        yield reader


@contextmanager
def open_warehouse() -> Generator["Warehouse"]:
    """Open the warehouse of a home that exists.

    Raises:
        ConfigurationError: there is nothing at `MARKET_DATA_HOME` yet.
    """
    home = _home(must_exist=True)
    with _ledger(home) as ledger:
        from market_data.warehouse.store import Warehouse

        tables = home.warehouse
        if home.bucket is not None:
            from market_data.storage.bucket import Bucket

            tables = Bucket(home.bucket.url, home.home, home.bucket.cache_bytes, home.bucket.endpoint).below(
                "warehouse"
            )
        warehouse = Warehouse(tables, ledger)
        try:
            yield warehouse
        finally:
            warehouse.close()


@contextmanager
def open_sql(as_of: "Moment | None" = None) -> Generator["WarehouseConnection"]:
    """Open SQL over the warehouse of a home that exists, by the light way where that can be.

    Raises:
        ConfigurationError: there is nothing there yet, or the moment is in the future or before what is kept.
    """
    from market_data.warehouse.sql import connect, connect_plainly

    home = _home(must_exist=True)
    if home.bucket is None:
        with connect_plainly(home.warehouse, home.database.get_secret_value(), as_of) as plain:
            if plain is not None:
                yield plain
                return
    with open_warehouse() as warehouse, connect(warehouse, as_of) as connection:
        yield connection


@contextmanager
def _ledger(home: "Home") -> Generator["Ledger"]:
    from market_data.ledger.ledger import Ledger
    from market_data.storage.files import make_folder

    try:
        make_folder(home.home)
    except OSError as error:
        named = "MARKET_DATA_SCRATCH" if home.bucket is not None else "MARKET_DATA_HOME"
        raise ConfigurationError(f"{home.home} cannot be made ({error.strerror}); {named} names it") from error
    ledger = Ledger(home.database.get_secret_value())
    try:
        yield ledger
    finally:
        ledger.close()


def _home(*, must_exist: bool) -> "Home":
    """Return the home; its lines of log look as the environment says."""
    from market_data.settings.environment import Environment
    from market_data.settings.home import home_of

    environment = Environment()
    home = home_of(environment)
    if must_exist and not home.is_made:
        raise ConfigurationError(
            f"nothing is at {home.home} yet (MARKET_DATA_HOME names it): `market-data demo` fills it, "
            "and so does `dagster asset materialize`"
        )
    if environment.log_format == "json":  # as text, what is logged stays as terse as Python shows it by itself
        from market_data.pipeline import logs

        logs.show(environment.log_format)
    return home
