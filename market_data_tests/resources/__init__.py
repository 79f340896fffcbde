"""Tests of `market_data.resources`."""
