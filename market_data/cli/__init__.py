"""`market-data`: what Dagster's own CLI does not do. Commands stand in `commands`; beside it what they share."""


def main() -> None:
    """The console script."""
    from market_data.cli.application import app

    app()
