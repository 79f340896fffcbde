"""`market-data config-reference`: every key of the configuration, for `make docs`."""

import typer


def command() -> None:
    """Print the configuration reference as Markdown."""
    from market_data.settings.reference import reference
    from market_data.sources import catalog

    typer.echo(reference(catalog()), nl=False)
