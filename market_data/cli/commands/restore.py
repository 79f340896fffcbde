"""`market-data restore`: bring a backup back into an empty home, or verify it."""

import json
from pathlib import Path
from typing import Annotated

import typer

from market_data.cli.console import counted, shown_size
from market_data.cli.errors import CommandFailed
from market_data.cli.home import open_workspace


def command(
    source: Annotated[Path, typer.Argument(help="The folder that `market-data backup` filled.")],
    verify: Annotated[bool, typer.Option("--verify", help="Only read the backup, and compare every hash.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Tell what was done as JSON.")] = False,
) -> None:
    """Put a backup into the home that the environment names, which must be empty: a folder or a bucket.

    The ledger may be of another kind than it was: SQLite or PostgreSQL. Every file is verified, and the ledger is
    entered last; after a crash the same command goes on.

    For example:

    - `market-data restore /mnt/backup/market-data --verify`
    - `MARKET_DATA_HOME=/srv/market-data market-data restore /mnt/backup/market-data`
    """
    if verify:
        _verify(source, as_json=as_json)
        return
    from market_data.cli.console import progress_bar
    from market_data.operations.backup import restore

    with (
        open_workspace(must_exist=False) as workspace,
        progress_bar(0, shown=not as_json, words="reading the backup") as advance,
    ):
        counts = restore(workspace, source, lambda done, total: advance(done, "restoring", total))
        place = workspace.settings.place
    if as_json:
        typer.echo(json.dumps({"rows": dict(counts)}))
        return
    typer.echo(f"{place} has {counted(counts)}")
    typer.echo("Tell Dagster what is there: market-data announce")


def _verify(source: Path, *, as_json: bool) -> None:
    from market_data.cli.console import progress_bar
    from market_data.operations.backup import described, torn

    with progress_bar(0, shown=not as_json, words="reading the backup") as advance:
        bad = torn(source, lambda done, total: advance(done, "verifying", total))
    backup = described(source)
    if as_json:
        typer.echo(json.dumps({**backup.as_dict(), "bad": list(bad)}))
    if bad:
        named = "".join(f"\n  {name}" for name in bad)
        raise CommandFailed(f"{len(bad)} files of the backup are damaged or gone:{named}")
    if not as_json:
        taken = f"taken at {backup.taken_at} by version {backup.version}"
        typer.echo(f"{source} is whole: {backup.files:,} files of {shown_size(backup.size_bytes)}, {taken}")
