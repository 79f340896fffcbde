"""Tests of `market_data.pipeline`."""
