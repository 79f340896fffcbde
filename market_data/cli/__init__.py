"""`market-data`: what Dagster's own CLI does not do.

One module a command, found by scanning: it has a function `command`, or a `typer.Typer` named `app` for a group.
"""


def main() -> None:
    """The console script."""
    from market_data.cli._app import app

    app()
