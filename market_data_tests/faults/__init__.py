"""Faults from outside, put to real runs: what was attempted, what is whole, what was refused, that nothing is lost.

A scenario is one module of `scenarios`; `scenario` has its port. The package's own command prints a table.
"""
