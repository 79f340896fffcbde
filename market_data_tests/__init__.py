"""The tests of market_data, laid out like the package."""
