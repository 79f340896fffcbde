"""Tests of the candle kinds."""
