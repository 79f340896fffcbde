"""Measurements, no tests: each module has `run()`, which returns its figures."""
