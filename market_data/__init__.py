"""A market-data platform on Dagster. Nothing is imported here, so that importing the package costs nothing."""

__version__ = "0.1.0"
