"""`market-data announce`: tell Dagster of every partition that is there and that it does not know."""

import json
from collections import Counter
from typing import Annotated

import typer

from market_data.cli.home import check_home, open_workspace
from market_data.domain.errors import ConfigurationError


def command(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell how many there are.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Tell how many there were, by asset, as JSON.")] = False,
) -> None:
    """Tell Dagster of every partition that is there and that it does not know as materialized.

    After a restore, or a move to another instance, its web interface then shows what is there. Nothing is made or
    fetched; what Dagster knows already is passed over. The instance is that of `DAGSTER_HOME`, else of `dagster` in
    the home.

    For example:

    - `market-data announce --dry-run`
    """
    check_home()
    from dagster import DagsterInstance

    from market_data.assets.announce import announce, unknown
    from market_data.cli.console import progress_bar
    from market_data.cli.dagster_daemon import instance_folder

    with open_workspace() as workspace:
        folder = instance_folder(workspace.settings)
        if folder is None:
            raise ConfigurationError(
                "there is no Dagster instance here: `make home` makes one, and DAGSTER_HOME names it"
            )
        with DagsterInstance.from_config(str(folder)) as instance:
            found = list(unknown(instance, workspace))
            with progress_bar(len(found), shown=not (as_json or dry_run), words="telling Dagster") as advance:
                for done, (feed, revision) in enumerate(() if dry_run else found, 1):
                    announce(instance, workspace, feed, revision)
                    advance(done, f"{revision.table} {revision.partition}")
    counts = Counter(f"{feed.name}/{revision.table}" for feed, revision in found)
    if as_json:
        typer.echo(json.dumps({"announced": 0 if dry_run else len(found), "unknown": counts}))
        return
    for asset, count in counts.items():
        typer.echo(f"{asset}: {count:,}")
    typer.echo(f"{len(found):,} partitions " + ("are unknown to Dagster" if dry_run else "were announced"))
