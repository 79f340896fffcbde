"""Tests of `market_data.storage`."""
