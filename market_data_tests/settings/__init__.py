"""Tests of `market_data.settings`."""
