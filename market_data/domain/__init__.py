"""The field's own terms and rules: polars, dataframely and the standard library; no I/O, no Dagster, no vendor."""
