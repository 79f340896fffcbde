"""Tests of `market_data.assets`."""
