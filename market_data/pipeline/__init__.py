"""The life of a partition: from landing to report. No Dagster, no vendor."""
