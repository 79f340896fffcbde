"""Dagster resources over the pipeline, and the one place where errors become Dagster failures."""
