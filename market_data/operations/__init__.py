"""What looks after a running platform: health, backup, repair, alerts, metrics, reports. No Dagster."""
