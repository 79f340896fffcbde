"""Tests of `market_data.warehouse`."""
