"""`market-data catalog`: write a file of views for people's own tools."""

import json
from pathlib import Path
from typing import Annotated

import typer

from market_data.cli.console import status
from market_data.cli.errors import CommandFailed
from market_data.cli.home import check_home, open_workspace
from market_data.domain.errors import ConfigurationError


def command(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Which file. Default: $MARKET_DATA_HOME/warehouse.duckdb.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say what was written as JSON.")] = False,
) -> None:
    """Write `warehouse.duckdb`, a file of views that the duckdb shell, DBeaver or a notebook opens.

    It is disposable: no data lies in it, and it names the files that count at this moment. Write it anew to see later
    ones; whoever has the old one open keeps it until they open it again.
    """
    check_home()
    import duckdb

    from market_data.warehouse.catalog import write_catalog

    with open_workspace() as workspace, status("writing the catalog"):
        if workspace.settings.bucket is not None:
            raise ConfigurationError(
                f"{workspace.settings.place} is a bucket, and a catalog is views over local files that stay; ask it by "
                "`market-data query`, or write an answer to a file with `market-data query -o`"
            )
        path = (output or workspace.settings.home / "warehouse.duckdb").absolute()
        try:
            listed = write_catalog(workspace.warehouse, path)
        except duckdb.Error as error:
            raise CommandFailed(" ".join(str(error).split())) from error
    if as_json:
        typer.echo(json.dumps({"path": str(path), "files": dict(listed)}))
        return
    typer.echo(f"{path}: {len(listed)} views over {sum(listed.values()):,} files")
    typer.echo(f"Open it: duckdb -readonly {path}")
    typer.echo(f'Python:  duckdb.connect("{path}", read_only=True).sql("FROM candles LIMIT 5")')
