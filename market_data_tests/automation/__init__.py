"""Tests of `market_data.automation` and of what `market_data.definitions` puts together."""
