"""Tests of the sources, each through its port."""
