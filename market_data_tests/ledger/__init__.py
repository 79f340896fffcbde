"""Tests of the ledger and its database."""
