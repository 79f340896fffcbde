"""`market-data ledger`: move the ledger to another database. No data is copied here."""

import json
from contextlib import closing
from typing import Annotated

import typer

from market_data.cli.console import counted, status
from market_data.cli.home import check_home, open_workspace
from market_data.domain.errors import ConfigurationError

app = typer.Typer(no_args_is_help=True, help="The ledger as a whole: `market-data ledger copy` moves it.")


@app.callback()
def _group() -> None:  # pyright: ignore[reportUnusedFunction]
    """The ledger as a whole: `market-data ledger copy` moves it to another database."""


@app.command("copy")
def copy(
    as_json: Annotated[bool, typer.Option("--json", help="Tell how many rows there were as JSON.")] = False,
) -> None:
    """Copy every row of the ledger into an empty one in another database, in one transaction.

    The other's URL is the variable `MARKET_DATA_NEW_LEDGER_URL`, from the environment or `.env`; where it is absent, it
    is asked for. It is no word of the command line, since it may hold a password, and every user of a machine sees
    those. Stop the platform before; from then on let `MARKET_DATA_LEDGER_URL` name the new one.

    For example:

    - `market-data ledger copy`
    """
    check_home()
    from market_data.ledger.ledger import Ledger
    from market_data.ledger.transfer import transfer
    from market_data.settings import Environment
    from market_data.warehouse.file_checks import writers

    with open_workspace() as workspace:
        settings = workspace.settings
        if writers((settings.home if settings.bucket else settings.warehouse) / "_staging"):
            raise ConfigurationError(
                "a process is writing to the ledger, and what it enters after the copy would be missing there: stop "
                "the platform first (daemon, workers, and runs that are under way)"
            )
        url = Environment().new_ledger_url
        text = url.get_secret_value() if url else typer.prompt("URL of the new ledger", hide_input=True, err=True)
        with closing(Ledger(text)) as target, status("copying the ledger"):
            counts = transfer(workspace.ledger, target)
    if as_json:
        typer.echo(json.dumps({"rows": dict(counts)}))
        return
    typer.echo(f"copied {counted(counts)}")
    typer.echo("The old ledger is as it was. From now on let MARKET_DATA_LEDGER_URL name the new one")
