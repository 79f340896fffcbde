"""`market-data backup`: copy all that the platform knows, while it works."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from market_data.cli.console import shown_size
from market_data.cli.home import check_home, open_workspace

if TYPE_CHECKING:
    from market_data.operations.backup import Made, Options


def command(
    target: Annotated[Path, typer.Argument(help="A folder of the backup's own, on another disk than the home.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell how much there is to copy.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Then remove files that this backup does not name.")] = False,
    allow_lost: Annotated[
        bool, typer.Option("--allow-lost", help="Do it although files of the home are damaged or gone.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Tell what was done as JSON.")] = False,
) -> None:
    """Copy ledger, tables with their history, and landing into a folder, each file verified; `restore` is the way back.

    The platform may work meanwhile: the copy is of one instant. What the folder has already is not copied again, and
    until the copy is whole the one before it counts. Dagster's own runs and events, and `feeds.yaml`, are not in it.

    For example:

    - `market-data backup /mnt/backup/market-data`
    """
    check_home()
    from market_data.cli.console import progress_bar
    from market_data.operations.backup import Options, back_up

    options = Options(dry_run=dry_run, allow_lost=allow_lost, prune=prune)
    with open_workspace() as workspace, progress_bar(0, shown=not as_json, words="reading the ledger") as advance:

        def follow(done: int, total: int) -> None:
            advance(done, "copying", total)

        made = back_up(workspace, target, options, follow)
    typer.echo(json.dumps(asdict(made)) if as_json else _words(target, made, options))


def _words(target: Path, made: "Made", options: "Options") -> str:
    whole = f"{made.files:,} files of {shown_size(made.size_bytes)}"
    copied = f"{made.copied_files:,} of {shown_size(made.copied_bytes)}"
    if options.dry_run:
        return f"{target}: of {whole}, {copied} would be copied"
    lines = [f"{target} holds {whole} and the ledger; {copied} were copied"]
    lines += [f"not in it, because it is damaged or gone: {name}" for name in made.lost]
    if options.prune:
        lines.append(f"removed {made.pruned:,} files that it does not name")
    return "\n".join(lines)
