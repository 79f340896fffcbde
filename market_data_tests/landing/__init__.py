"""Tests of `market_data.landing`."""
