"""`market-data config-reference`: print every key of the configuration. `make docs` writes it to its page."""

import typer


def command() -> None:
    """Print the configuration reference as Markdown."""
    from market_data.settings.reference import reference
    from market_data.sources import catalog

    typer.echo(reference(catalog()), nl=False)
